/** Which volume it is: a whole file share, or a directory of one. */
export interface ShareHandle {
  readonly share: string;
  /** Below the root of the share; `undefined`: all of it. */
  readonly folder: string | undefined;
}

const share = '[A-Za-z0-9][A-Za-z0-9-]{0,62}';
// No part may begin with a dot: neither `..` nor our own records can be named.
const part = '[A-Za-z0-9][A-Za-z0-9._-]{0,62}';
const form = new RegExp(`^(${share})(?:/(${part}(?:/${part})*))?$`);

/** @shape undefined for what is not a handle of this driver */
export function parseShareHandle(text: string): ShareHandle | undefined {
  const [, id, folder] = form.exec(text) ?? [];
  // CSI's own limit of a string.
  return id === undefined || text.length > 128 ? undefined : { share: id, folder };
}

/** @example formatShareHandle({ share: 'ufs-1', folder: 'pvc-1' }) // => 'ufs-1/pvc-1' */
export function formatShareHandle({ share: id, folder }: ShareHandle): string {
  return folder === undefined ? id : `${id}/${folder}`;
}
