/** Addresses of the lab's internet that the cloud gives out: a range that no real network uses. @source RFC 2544 */
export const publicRange = '198.18.0.0/16';
