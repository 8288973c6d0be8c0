declare const ipBrand: unique symbol;
/** An IPv4 address in its one canonical text form, `10.9.0.12`. */
export type Ip = string & { readonly [ipBrand]: true };

/** A range of IPv4 addresses: its first address as an unsigned 32-bit number, and the prefix length. */
export interface Cidr {
  readonly first: number;
  readonly bits: number;
}

/** The address as an unsigned 32-bit number, or `undefined` if the text is not exactly four decimal octets. */
export function parseIp(text: string): Ip | undefined {
  return ipNumber(text) === undefined ? undefined : (text as Ip);
}

/** @fails RangeError for text that is no address; for literals and values that were checked before */
export function ip(text: string): Ip {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`"${text}" is no IPv4 address, write 10.9.0.12`);
  return parsed;
}

function ipNumber(text: string): number | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let n = 0;
  for (const part of parts) {
    // A leading zero is refused: some readers take it for octal.
    if (!/^(0|[1-9]\d{0,2})$/.test(part)) return undefined;
    const octet = Number(part);
    if (octet > 255) return undefined;
    n = n * 256 + octet;
  }
  return n;
}

/** The address as a whole number from 0 to 2³²-1; `ipOf` is its reverse. */
export function numberOf(address: Ip): number {
  return ipNumber(address) as number;
}

export function ipOf(n: number): Ip {
  return `${(n >>> 24) & 255}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}` as Ip;
}

/** Orders addresses by number, not by text: 10.0.0.9 before 10.0.0.10. */
export function byNumber(a: Ip, b: Ip): number {
  return numberOf(a) - numberOf(b);
}

/** `undefined` unless the text is `a.b.c.d/n` with no host bits set. */
export function parseCidr(text: string): Cidr | undefined {
  const match = /^([\d.]+)\/(\d{1,2})$/.exec(text);
  const first = match?.[1] === undefined ? undefined : ipNumber(match[1]);
  const bits = Number(match?.[2]);
  if (first === undefined || !(bits <= 32)) return undefined;
  return first % sizeOfBits(bits) === 0 ? { first, bits } : undefined;
}

/** @fails RangeError for text that is no range */
export function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed === undefined) throw new RangeError(`"${text}" is no IPv4 range, write 10.9.0.0/16`);
  return parsed;
}

export function formatCidr(range: Cidr): string {
  return `${ipOf(range.first)}/${range.bits}`;
}

/** How many addresses the range has, all of them counted. */
export function sizeOf(range: Cidr): number {
  return sizeOfBits(range.bits);
}

function sizeOfBits(bits: number): number {
  return 2 ** (32 - bits);
}

/** Whether the address lies in the range, its first and last included. */
export function contains(range: Cidr, address: Ip): boolean {
  const n = numberOf(address);
  return n >= range.first && n < range.first + sizeOf(range);
}

/** Whether any address lies in both. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.first < b.first + sizeOf(b) && b.first < a.first + sizeOf(a);
}

/** The address `offset` places after the first; `undefined` outside the range. */
export function addressAt(range: Cidr, offset: number): Ip | undefined {
  return offset >= 0 && offset < sizeOf(range) ? ipOf(range.first + offset) : undefined;
}

/** The `index`-th part of the range with prefix length `bits`; `undefined` if there is none. */
export function partAt(range: Cidr, bits: number, index: number): Cidr | undefined {
  if (bits < range.bits || bits > 32 || index < 0 || index >= 2 ** (bits - range.bits)) return undefined;
  return { first: range.first + index * sizeOfBits(bits), bits };
}

/** How many parts of prefix length `bits` the range holds. */
export function partsOf(range: Cidr, bits: number): number {
  return bits < range.bits ? 0 : 2 ** (bits - range.bits);
}

/** Addresses from the first to the last, both included, as unsigned 32-bit numbers. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

/** `undefined` unless the text is `a.b.c.d-e.f.g.h` with the lower address first. */
export function parseSpan(text: string): Span | undefined {
  const [from = '', to = '', ...rest] = text.split('-');
  const [first, last] = [ipNumber(from), ipNumber(to)];
  if (first === undefined || last === undefined || rest.length > 0 || first > last) return undefined;
  return { first, last };
}

/** @fails RangeError for text that is no such range */
export function span(text: string): Span {
  const parsed = parseSpan(text);
  if (parsed === undefined) throw new RangeError(`"${text}" is no range of addresses, write 10.9.0.128-10.9.0.250`);
  return parsed;
}

export function formatSpan({ first, last }: Span): string {
  return `${ipOf(first)}-${ipOf(last)}`;
}

/** The same addresses, told by first and last. */
export function spanOf(range: Cidr): Span {
  return { first: range.first, last: range.first + sizeOf(range) - 1 };
}

/** Whether the inner lies in the outer with all its addresses. */
export function spanLiesIn(inner: Span, outer: Span): boolean {
  return inner.first >= outer.first && inner.last <= outer.last;
}
