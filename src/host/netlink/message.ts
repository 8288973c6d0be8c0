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
  return new Map(listAttrs(body, skip));
}

/** The same one after the other: several may have the same type. */
export function listAttrs(body: Buffer, skip: number): readonly (readonly [number, Buffer])[] {
  const found: [number, Buffer][] = [];
  for (let at = skip; at + 4 <= body.length; ) {
    const length = body.readUInt16LE(at);
    if (length < 4 || at + length > body.length) break;
    found.push([body.readUInt16LE(at + 2) & 0x3fff, body.subarray(at + 4, at + length)]);
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

export function cString(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 ? bytes.length : end);
}

/** The bytes of a message as they go to the kernel. */
export function withHeader(m: Message, sequence: number, flags: number): Buffer {
  const bytes = Buffer.alloc(16 + padded(m.body.length));
  bytes.writeUInt32LE(16 + m.body.length, 0);
  bytes.writeUInt16LE(m.type, 4);
  bytes.writeUInt16LE(m.flags | flags, 6);
  bytes.writeUInt32LE(sequence, 8);
  m.body.copy(bytes, 16);
  return bytes;
}

/** What one reading of the socket brought. */
export function parseReplies(bytes: Buffer): readonly Reply[] {
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
      error: isError ? 0 - body.readInt32LE(0) : 0,
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

function padded(n: number): number {
  return (n + 3) & ~3;
}

// From linux/netlink.h.
const NLM_F_ACK_TLVS = 0x200;
const NLA_F_NESTED = 0x8000;
export const NLMSG_ERROR = 2;
const NLMSGERR_ATTR_MSG = 1;
