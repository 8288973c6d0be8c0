/** The kernel refused; `errno` is its number, the message its name and, where the kernel gives one, its text. */
export class NetlinkError extends Error {
  readonly errno: number;

  constructor(doing: string, errno: number, text = '') {
    super(`${doing}: ${errnoName.get(errno) ?? `errno ${errno}`}${text === '' ? '' : ` (${text})`}`);
    this.name = 'NetlinkError';
    this.errno = errno;
  }
}

/** Whether the kernel refused with this number, such as `ENODEV`. */
export function isErrno(e: unknown, errno: number): boolean {
  return e instanceof NetlinkError && e.errno === errno;
}

export const EINTR = 4;
export const ENOENT = 2;
export const ESRCH = 3;
export const EAGAIN = 11;
export const EEXIST = 17;
export const ENODEV = 19;
export const ENETDOWN = 100;

const errnoName: ReadonlyMap<number, string> = new Map([
  [1, 'EPERM'],
  [ENOENT, 'ENOENT'],
  [ESRCH, 'ESRCH'],
  [EINTR, 'EINTR'],
  [6, 'ENXIO'],
  [EAGAIN, 'EAGAIN'],
  [12, 'ENOMEM'],
  [EEXIST, 'EEXIST'],
  [ENODEV, 'ENODEV'],
  [22, 'EINVAL'],
  [95, 'EOPNOTSUPP'],
  [99, 'EADDRNOTAVAIL'],
  [ENETDOWN, 'ENETDOWN'],
  [101, 'ENETUNREACH'],
  [105, 'ENOBUFS'],
  [107, 'ENOTCONN'],
]);
