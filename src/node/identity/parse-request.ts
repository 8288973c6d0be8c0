import { createHash } from 'node:crypto';
import { messageOf } from '#unit/message-of.ts';
import { fail, ok, type Result } from '#unit/result.ts';

/** What a PKCS #10 request asks for. */
export interface RequestedCertificate {
  /** Every attribute of the subject in its order, `['O', 'system:nodes']`; the type is an OID where it is another. */
  readonly subject: readonly (readonly [type: string, value: string])[];
  readonly dnsNames: readonly string[];
  /** As text; of IPv6 all eight groups. */
  readonly addresses: readonly string[];
  /** Alternative names of other kinds, such as e-mail addresses, by kind; and extensions that no kubelet asks for, by OID. */
  readonly others: readonly string[];
  /** `sha256:…` of the public key. */
  readonly key: string;
}

/**
 * Reads the base64 of a PEM of a PKCS #10 request. Strict: what is not plainly readable is a fault, because the signer's own reader
 * may see something else in it. The signature is checked by the API server before the request is stored.
 * @source RFC 2986, RFC 5280 4.2.1.6, X.690
 */
export function parseRequest(base64: string): Result<RequestedCertificate, string> {
  try {
    const pem = Buffer.from(base64, 'base64').toString('latin1');
    const body =
      /^\s*-----BEGIN (?:NEW )?CERTIFICATE REQUEST-----\s([A-Za-z0-9+/=\s]+)-----END (?:NEW )?CERTIFICATE REQUEST-----\s*$/.exec(
        pem,
      )?.[1];
    if (body === undefined) return fail('it is not one PEM block of a certificate request');
    return ok(readRequest(Buffer.from(body, 'base64')));
  } catch (e) {
    return fail(messageOf(e));
  }
}

interface Element {
  readonly tag: number;
  readonly content: Buffer;
  /** With its tag and length. */
  readonly whole: Buffer;
}

const tags = { integer: 0x02, bits: 0x03, octets: 0x04, oid: 0x06, sequence: 0x30, set: 0x31 } as const;
const oids: Readonly<Record<string, string>> = { '2.5.4.3': 'CN', '2.5.4.10': 'O' };
const extensionRequest = '1.2.840.113549.1.9.14';
const alternativeNames = '2.5.29.17';

function readRequest(der: Buffer): RequestedCertificate {
  const [request] = exactly(1, elementsOf(der));
  const [info] = exactly(3, inside(request, tags.sequence));
  const [version, subject, key, attributes] = exactly(4, inside(info, tags.sequence));
  expectTag(version, tags.integer);
  if (attributes.tag !== 0xa0) throw new Error('it has no place for attributes');
  return {
    subject: inside(subject, tags.sequence).map(readNamePart),
    ...readAttributes(elementsOf(attributes.content)),
    key: `sha256:${createHash('sha256').update(key.whole).digest('hex')}`,
  };
}

function readNamePart(part: Element): readonly [string, string] {
  const [attribute] = exactly(1, inside(part, tags.set));
  const [type, value] = exactly(2, inside(attribute, tags.sequence));
  const oid = readOid(type);
  return [oids[oid] ?? oid, readText(value)] as const;
}

type Asked = Pick<RequestedCertificate, 'dnsNames' | 'addresses' | 'others'>;

function readAttributes(attributes: readonly Element[]): Asked {
  const extensions = attributes.flatMap((attribute) => {
    const [type, values] = exactly(2, inside(attribute, tags.sequence));
    if (readOid(type) !== extensionRequest) throw new Error(`it has an attribute ${readOid(type)}`);
    const [list] = exactly(1, inside(values, tags.set));
    return inside(list, tags.sequence);
  });
  const read = extensions.map(readExtension);
  const names = read.filter(({ oid }) => oid === alternativeNames);
  if (names.length > 1) throw new Error('it has two lists of alternative names');
  const all = names.flatMap(({ value }) =>
    exactly(1, elementsOf(value)).flatMap((list) => inside(list, tags.sequence)),
  );
  const strange = read.filter(({ oid }) => oid !== alternativeNames).map(({ oid }) => `extension ${oid}`);
  return {
    dnsNames: all.filter(({ tag }) => tag === 0x82).map(({ content }) => asciiOf(content)),
    addresses: all.filter(({ tag }) => tag === 0x87).map(({ content }) => addressOf(content)),
    others: [...all.flatMap(({ tag }) => (tag === 0x82 || tag === 0x87 ? [] : [nameKind(tag)])), ...strange],
  };
}

function readExtension(extension: Element): { readonly oid: string; readonly value: Buffer } {
  const parts = inside(extension, tags.sequence);
  const [type, ...rest] = parts;
  const value = rest.at(-1);
  // Between them may be whether it is critical.
  if (type === undefined || value === undefined || parts.length > 3) throw new Error('it has a malformed extension');
  expectTag(value, tags.octets);
  return { oid: readOid(type), value: value.content };
}

function nameKind(tag: number): string {
  if (tag === 0x81) return 'an e-mail address';
  return tag === 0x86 ? 'a URI' : `an alternative name of kind ${tag & 0x1f}`;
}

function addressOf(content: Buffer): string {
  if (content.length === 4) return [...content].join('.');
  if (content.length !== 16) throw new Error('it has an address that is neither IPv4 nor IPv6');
  return Array.from({ length: 8 }, (_, i) => content.readUInt16BE(2 * i).toString(16)).join(':');
}

/** UTF8String and PrintableString, and of these what is in ASCII: no name of a node or group has more. */
function readText({ tag, content }: Element): string {
  if (tag !== 0x0c && tag !== 0x13) throw new Error(`its subject has a text of type ${tag}`);
  return asciiOf(content);
}

function asciiOf(content: Buffer): string {
  if (content.some((byte) => byte < 0x20 || byte > 0x7e)) throw new Error('it has a name that is not in ASCII');
  return content.toString('latin1');
}

function readOid(element: Element): string {
  expectTag(element, tags.oid);
  const parts: number[] = [];
  let part = 0;
  for (const byte of element.content) {
    part = part * 128 + (byte & 0x7f);
    if (byte & 0x80) continue;
    parts.push(part);
    part = 0;
  }
  const [first = 0, ...rest] = parts;
  const top = Math.min(2, Math.floor(first / 40));
  return [top, first - 40 * top, ...rest].join('.');
}

function inside(element: Element, tag: number): readonly Element[] {
  expectTag(element, tag);
  return elementsOf(element.content);
}

function expectTag(element: Element, tag: number): void {
  if (element.tag !== tag) throw new Error(`it has an element of type ${element.tag} in place of ${tag}`);
}

function exactly<N extends number>(count: N, elements: readonly Element[]): Tuple<N> {
  if (elements.length !== count) throw new Error(`it has ${elements.length} elements in place of ${count}`);
  return elements as Tuple<N>;
}
type Tuple<N extends number> = N extends 1
  ? readonly [Element]
  : N extends 2
    ? readonly [Element, Element]
    : N extends 3
      ? readonly [Element, Element, Element]
      : readonly [Element, Element, Element, Element];

/** DER: definite lengths in their shortest form, tags of one byte, and nothing left over. */
function elementsOf(der: Buffer): readonly Element[] {
  const found: Element[] = [];
  for (let at = 0; at < der.length; ) {
    const tag = der.readUInt8(at);
    if ((tag & 0x1f) === 0x1f) throw new Error('it has a tag of several bytes');
    const { length, begins } = lengthAt(der, at + 1);
    const ends = begins + length;
    if (ends > der.length) throw new Error('it ends too early');
    found.push({ tag, content: der.subarray(begins, ends), whole: der.subarray(at, ends) });
    at = ends;
  }
  return found;
}

function lengthAt(der: Buffer, at: number): { readonly length: number; readonly begins: number } {
  const first = der.readUInt8(at);
  if (first < 0x80) return { length: first, begins: at + 1 };
  const bytes = first - 0x80;
  if (bytes < 1 || bytes > 3) throw new Error('it has a length that DER does not have');
  const length = der.readUIntBE(at + 1, bytes);
  if (length < 0x80 || length < 2 ** (8 * (bytes - 1)))
    throw new Error('it has a length that is not in its shortest form');
  return { length, begins: at + 1 + bytes };
}
