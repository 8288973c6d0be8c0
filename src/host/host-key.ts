import { createHash } from 'node:crypto';

/** An SSH host key as OpenSSH writes it: `ssh-ed25519 AAAA…`. */
export interface HostKey {
  readonly type: string;
  /** The key's wire form in base64. */
  readonly blob: string;
}

/** Reads `ssh-ed25519 AAAA… comment`; `undefined` for anything else. */
export function parseHostKey(text: string): HostKey | undefined {
  const [type, blob] = text.trim().split(/\s+/);
  if (type === undefined || blob === undefined) return undefined;
  return typeIn(Buffer.from(blob, 'base64')) === type ? { type, blob } : undefined;
}

export function formatHostKey(key: HostKey): string {
  return `${key.type} ${key.blob}`;
}

/** From the bytes a server sends; the first string in them names the type. */
export function hostKeyOf(wire: Buffer): HostKey {
  return { type: typeIn(wire) ?? 'unknown', blob: wire.toString('base64') };
}

/** `SHA256:…` as `ssh-keygen -l` prints it. */
export function fingerprint(key: HostKey): string {
  const hash = createHash('sha256').update(Buffer.from(key.blob, 'base64')).digest('base64');
  return `SHA256:${hash.replace(/=+$/, '')}`;
}

function typeIn(wire: Buffer): string | undefined {
  if (wire.length < 4) return undefined;
  const length = wire.readUInt32BE(0);
  return length > 0 && length <= 64 && wire.length > 4 + length ? wire.toString('latin1', 4, 4 + length) : undefined;
}
