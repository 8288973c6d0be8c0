import { createHash } from 'node:crypto';
import type { CloudResult } from './failure.ts';
import type { Leisurely, Marked, Owned, Within } from './owned.ts';

/** A certificate with its key, kept by the cloud for listeners of layer 7. */
export interface CloudCertificate extends Marked {
  readonly id: string;
  /** Of its content, as `digestOf`; `undefined` for one that is not ours. */
  readonly digest: string | undefined;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
  /** Whether a listener has it. */
  readonly isUsed: boolean;
}

/** What a TLS Secret has. */
export interface CertificateContent {
  /** PEM: the host's own certificate first, then those that lead to a root. */
  readonly chain: string;
  /** PEM without a passphrase. Never told to anyone. */
  readonly key: string;
}

/** Two contents with one digest are the same. @shape 8 characters of A-Z, a-z, 0-9, - and _ */
export function digestOf({ chain, key }: CertificateContent): string {
  return createHash('sha256').update(`${chain.trim()}\n${key.trim()}`).digest('base64url').slice(0, 8);
}

/** Certificates of one region and project. A content never changes: a renewed certificate is another one. Lists lag as those of balancers do. */
export interface Certificates {
  /**
   * Gives a certificate to the cloud. Safe to repeat: one with this mark, owner and content is looked for first, and the oldest adopted.
   * @fails invalid: not a certificate with its key · quota · denied · throttled · unavailable · unknown: it may be kept; wait the `lag` of balancers, then ask again
   */
  keep(wish: CertificateContent & Owned, opts: Within): Promise<CloudResult<CloudCertificate>>;
  /** Those that carry the mark, or all of the project without one, sorted by id. @fails denied · throttled · unavailable · unknown */
  list(mark: string | undefined, opts: Leisurely): Promise<CloudResult<readonly CloudCertificate[]>>;
  /**
   * Ends one. Refuses (`denied`) one that does not carry `mark`.
   * @fails gone is success · inUse: a listener has it · as list
   */
  remove(this: void, id: string, mark: string, opts: Within): Promise<CloudResult<void>>;
}
