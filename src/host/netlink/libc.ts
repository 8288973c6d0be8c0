import koffi from 'koffi';

type Send = ((fd: number, bytes: Buffer, length: number, flags: number) => number) & {
  async(
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
    done: (error: Error | null, sent: number) => void,
  ): void;
};

const libc = koffi.load('libc.so.6');
/** The system calls that Node has no name for. After a negative answer `errno` tells why. */
export const sys = {
  open: libc.func('int open(const char *path, int flags)') as (path: string, flags: number) => number,
  close: libc.func('int close(int fd)') as (fd: number) => number,
  setns: libc.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number,
  socket: libc.func('int socket(int family, int type, int protocol)') as (f: number, t: number, p: number) => number,
  bind: libc.func('int bind(int fd, void *address, uint length)') as (
    fd: number,
    address: Buffer,
    length: number,
  ) => number,
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, uint length)') as (
    fd: number,
    level: number,
    name: number,
    value: Buffer,
    length: number,
  ) => number,
  /** `value` and `length` are read and written. */
  getsockopt: libc.func('int getsockopt(int fd, int level, int name, _Inout_ void *value, _Inout_ void *length)') as (
    fd: number,
    level: number,
    name: number,
    value: Buffer,
    length: Buffer,
  ) => number,
  flock: libc.func('int flock(int fd, int operation)') as (fd: number, operation: number) => number,
  send: libc.func('int64_t send(int fd, void *bytes, size_t length, int flags)') as unknown as Send,
  recv: libc.func('int64_t recv(int fd, _Out_ void *bytes, size_t length, int flags)') as (
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
  ) => number,
};

/** The error number of the last call on this thread. */
export function errno(): number {
  return koffi.errno();
}
