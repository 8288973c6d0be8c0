import { statSync } from 'node:fs';
import koffi from 'koffi';

/**
 * A route netlink socket. It belongs to the network namespace in which it was opened and stays there, whatever namespace
 * its owner enters later. The kernel answers inside `send`, so nothing here ever waits.
 */
export class Netlink {
  readonly #fd: number;
  readonly #in = Buffer.alloc(65_536);
  #sequence = 1;

  constructor() {
    this.#fd = sys.socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw new NetlinkError('opening a netlink socket', koffi.errno());
    // Texts beside the error numbers, and no echo of the request in them.
    const on = u32(1);
    for (const option of [NETLINK_EXT_ACK, NETLINK_CAP_ACK]) sys.setsockopt(this.#fd, SOL_NETLINK, option, on, 4);
  }

  /**
   * Sends all messages at once and reads every acknowledgement. The kernel goes on after a message that failed: do not put
   * two into one call of which the second must not happen without the first.
   * @fails NetlinkError of the first message that was refused
   */
  request(doing: string, ...messages: readonly Message[]): void {
    const first = this.#send(doing, messages);
    this.#readAcknowledgements(doing, first, messages.length);
  }

  /**
   * As `request`, but the kernel's work happens on a thread of the pool: for what makes the kernel wait (removing links does).
   * One at a time on one socket.
   */
  async requestAside(doing: string, message: Message): Promise<void> {
    const first = this.#sequence++;
    const bytes = withHeader(message, first, NLM_F_REQUEST | NLM_F_ACK);
    await new Promise<void>((resolve, reject) => {
      sys.send.async(this.#fd, bytes, bytes.length, 0, (error: Error | null, sent: number) => {
        if (error !== null) reject(error);
        else if (sent < 0) reject(new NetlinkError(`${doing}: sending`, koffi.errno()));
        else resolve();
      });
    });
    this.#readAcknowledgements(doing, first, 1);
  }

  /** Asks for one object. @fails NetlinkError, ENODEV when a link does not exist */
  ask(doing: string, message: Message): Reply {
    const sequence = this.#sequence++;
    this.#write(doing, withHeader(message, sequence, NLM_F_REQUEST));
    for (;;)
      for (const reply of this.#read(doing)) {
        if (reply.sequence !== sequence) continue;
        throwIfRefused(doing, reply);
        return reply;
      }
  }

  /** All objects of a kind. @fails NetlinkError; Error when the list kept changing while it was read */
  dump(doing: string, message: Message): readonly Reply[] {
    for (let attempt = 0; attempt < 10; attempt++) {
      const replies = this.#dumpOnce(doing, message);
      if (replies !== undefined) return replies;
    }
    throw new Error(`${doing}: the kernel's list changed during each of 10 readings`);
  }

  close(): void {
    sys.close(this.#fd);
  }

  #dumpOnce(doing: string, message: Message): readonly Reply[] | undefined {
    const sequence = this.#sequence++;
    this.#write(doing, withHeader(message, sequence, NLM_F_REQUEST | NLM_F_DUMP));
    const found: Reply[] = [];
    let torn = false;
    for (;;)
      for (const reply of this.#read(doing)) {
        if (reply.sequence !== sequence) continue;
        torn ||= (reply.flags & NLM_F_DUMP_INTR) !== 0;
        throwIfRefused(doing, reply);
        if (reply.type === NLMSG_DONE) return torn ? undefined : found;
        found.push(reply);
      }
  }

  #send(doing: string, messages: readonly Message[]): number {
    const first = this.#sequence;
    const bytes = messages.map((m) => withHeader(m, this.#sequence++, NLM_F_REQUEST | NLM_F_ACK));
    this.#write(doing, Buffer.concat(bytes));
    return first;
  }

  #write(doing: string, bytes: Buffer): void {
    for (;;) {
      if (sys.send(this.#fd, bytes, bytes.length, 0) >= 0) return;
      if (koffi.errno() !== EINTR) throw new NetlinkError(`${doing}: sending`, koffi.errno());
    }
  }

  #readAcknowledgements(doing: string, first: number, count: number): void {
    let open = count;
    let refused: NetlinkError | undefined;
    while (open > 0)
      for (const reply of this.#read(doing)) {
        // An older number is what an earlier, failed reading left behind.
        if (reply.type !== NLMSG_ERROR || reply.sequence < first) continue;
        open--;
        if (reply.error !== 0) refused ??= new NetlinkError(doing, reply.error, reply.text);
      }
    if (refused !== undefined) throw refused;
  }

  #read(doing: string): readonly Reply[] {
    const n = sys.recv(this.#fd, this.#in, this.#in.length, MSG_DONTWAIT);
    if (n < 0) throw new NetlinkError(`${doing}: reading the kernel's answer`, koffi.errno());
    return parseReplies(Buffer.from(this.#in.subarray(0, n)));
  }
}

/** The kernel refused; `errno` is its number, the message its name and, where the kernel gives one, its text. */
export class NetlinkError extends Error {
  readonly errno: number;

  constructor(doing: string, errno: number, text = '') {
    super(`${doing}: ${errnoName.get(errno) ?? `errno ${errno}`}${text === '' ? '' : ` (${text})`}`);
    this.name = 'NetlinkError';
    this.errno = errno;
  }
}

/** One message without its header: the family's fixed part, then attributes. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
}

export interface Reply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Buffer;
  /** The error number of an NLMSG_ERROR; 0 acknowledges. */
  readonly error: number;
  readonly text: string;
}

export function message(type: number, flags: number, head: Buffer, ...attrs: readonly Buffer[]): Message {
  return { type, flags, body: Buffer.concat([head, ...attrs]) };
}

export function attr(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc(4 + padded(value.length));
  // The length tells the value without its padding.
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

export function nest(type: number, ...inner: readonly Buffer[]): Buffer {
  return attr(type | NLA_F_NESTED, Buffer.concat(inner));
}

/** The attributes after a fixed part of `skip` bytes, by type. */
export function parseAttrs(body: Buffer, skip: number): ReadonlyMap<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (let at = skip; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) break;
    found.set(body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + length));
    at += padded(length);
  }
  return found;
}

export function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((v, i) => bytes.writeUInt32LE(v, 4 * i));
  return bytes;
}

export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/**
 * Runs `act` on this thread inside the network namespace at `path` and comes back. The whole thread moves: `act` must not
 * await anything, and what it returns must not depend on being inside. If the way back fails the process ends at once,
 * because everything it did afterwards would happen inside a pod.
 * @fails NetlinkError when the namespace cannot be opened or entered; whatever `act` throws
 */
export function insideNamespace<T>(path: string, act: () => T): T {
  return withNamespace(path, (fd) => {
    home ??= openNamespace(ownNamespace);
    if (sys.setns(fd, CLONE_NEWNET) < 0) throw new NetlinkError(`entering ${path}`, koffi.errno());
    try {
      return act();
    } finally {
      if (sys.setns(home, CLONE_NEWNET) < 0) process.abort();
    }
  });
}

/** Whether `path` is the network namespace that this process lives in itself. @fails the file system's error when there is no such path */
export function isOwnNamespace(path: string): boolean {
  const [there, here] = [statSync(path), statSync(ownNamespace)];
  return there.ino === here.ino && there.dev === here.dev;
}

/** Hands an open descriptor of the namespace at `path` to `act` and closes it afterwards. */
export function withNamespace<T>(path: string, act: (fd: number) => T): T {
  const fd = openNamespace(path);
  try {
    return act(fd);
  } finally {
    sys.close(fd);
  }
}

const ownNamespace = '/proc/thread-self/ns/net';
let home: number | undefined;

function openNamespace(path: string): number {
  const fd = sys.open(path, O_CLOEXEC);
  if (fd < 0) throw new NetlinkError(`opening the network namespace ${path}`, koffi.errno());
  return fd;
}

function withHeader(m: Message, sequence: number, flags: number): Buffer {
  const bytes = Buffer.alloc(16 + padded(m.body.length));
  bytes.writeUInt32LE(16 + m.body.length, 0);
  bytes.writeUInt16LE(m.type, 4);
  bytes.writeUInt16LE(m.flags | flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  m.body.copy(bytes, 16);
  return bytes;
}

function parseReplies(bytes: Buffer): readonly Reply[] {
  const found: Reply[] = [];
  for (let at = 0; at + 16 <= bytes.length; ) {
    const length = bytes.readUInt32LE(at);
    if (length < 16 || at + length > bytes.length) break;
    const type = bytes.readUInt16LE(at + 4);
    const flags = bytes.readUInt16LE(at + 6);
    const body = bytes.subarray(at + 16, at + length);
    const isError = type === NLMSG_ERROR;
    found.push({
      type,
      flags,
      sequence: bytes.readUInt32LE(at + 8),
      body,
      error: isError ? -body.readInt32LE(0) : 0,
      text: isError && (flags & NLM_F_ACK_TLVS) !== 0 ? extendedText(body) : '',
    });
    at += padded(length);
  }
  return found;
}

/** struct nlmsgerr is the error number and the header of the request; the attributes follow. */
function extendedText(body: Buffer): string {
  return cString(parseAttrs(body, 20).get(NLMSGERR_ATTR_MSG) ?? Buffer.alloc(0));
}

export function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

function throwIfRefused(doing: string, reply: Reply): void {
  if (reply.type === NLMSG_ERROR && reply.error !== 0) throw new NetlinkError(doing, reply.error, reply.text);
}

function padded(n: number): number {
  return (n + 3) & ~3;
}

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
const sys = {
  open: libc.func('int open(const char *path, int flags)') as (path: string, flags: number) => number,
  close: libc.func('int close(int fd)') as (fd: number) => number,
  setns: libc.func('int setns(int fd, int kind)') as (fd: number, kind: number) => number,
  socket: libc.func('int socket(int family, int type, int protocol)') as (f: number, t: number, p: number) => number,
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, void *value, uint length)') as (
    fd: number,
    level: number,
    name: number,
    value: Buffer,
    length: number,
  ) => number,
  send: libc.func('int64_t send(int fd, void *bytes, size_t length, int flags)') as unknown as Send,
  recv: libc.func('int64_t recv(int fd, _Out_ void *bytes, size_t length, int flags)') as (
    fd: number,
    bytes: Buffer,
    length: number,
    flags: number,
  ) => number,
};

// From linux/netlink.h, linux/socket.h, sched.h, fcntl.h.
const AF_NETLINK = 16;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const O_CLOEXEC = 0o2000000;
const CLONE_NEWNET = 0x40000000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const MSG_DONTWAIT = 0x40;
const NLM_F_REQUEST = 0x1;
const NLM_F_ACK = 0x4;
const NLM_F_DUMP_INTR = 0x10;
const NLM_F_DUMP = 0x300;
const NLM_F_ACK_TLVS = 0x200;
const NLA_F_NESTED = 0x8000;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLMSGERR_ATTR_MSG = 1;

const EINTR = 4;
export const ENOENT = 2;
export const ESRCH = 3;
export const EEXIST = 17;
export const ENODEV = 19;

const errnoName: ReadonlyMap<number, string> = new Map([
  [1, 'EPERM'],
  [ENOENT, 'ENOENT'],
  [ESRCH, 'ESRCH'],
  [EINTR, 'EINTR'],
  [6, 'ENXIO'],
  [11, 'EAGAIN'],
  [12, 'ENOMEM'],
  [EEXIST, 'EEXIST'],
  [ENODEV, 'ENODEV'],
  [22, 'EINVAL'],
  [95, 'EOPNOTSUPP'],
  [99, 'EADDRNOTAVAIL'],
  [101, 'ENETUNREACH'],
  [105, 'ENOBUFS'],
  [107, 'ENOTCONN'],
]);
