/** What a bundle or an image was built from: its build puts the real one in the place of this. */
export const stampedVersion = '0.0.0-development';
