import type { CloudCertificate } from '../certificate.ts';
import { markOf, tagOf } from './parse-machine.ts';
import type { Certificate } from './wire/shapes.ts';

/** A certificate as DescribeSSLV2 tells it. */
export function parseCertificate(seen: Certificate): CloudCertificate {
  const [, tag, owner, digest] = /^(.+)\.([^.]+)\.([^.]+)$/.exec(seen.SSLName ?? '') ?? [];
  const mark = markOf(tag);
  const told = mark === undefined || owner === undefined ? undefined : { owner: longUid(owner), digest };
  return {
    id: seen.SSLId,
    mark,
    owner: told?.owner,
    digest: told?.digest,
    createdAt: seen.CreateTime ?? 0,
    isUsed: seen.Relations.length > 0,
  };
}

/**
 * A certificate has no business group and no remark: whose it is and what is in it stand in its name. A UID is shortened to 22
 * characters, because a name of the product has 50 at most.
 * @source UCloud ULB return code 4114; that it holds for certificates is not said
 */
export function certificateName({
  mark,
  owner,
  digest,
}: {
  readonly mark: string;
  readonly owner: string;
  readonly digest: string;
}): string {
  return `${tagOf(mark)}.${shortUid(owner)}.${digest}`;
}

/** 22 characters in place of the 36 of a UID; what is no UID stays. */
export function shortUid(owner: string): string {
  return uid.test(owner) ? Buffer.from(owner.replaceAll('-', ''), 'hex').toString('base64url') : owner;
}

export function longUid(text: string): string {
  if (!short.test(text)) return text;
  const hex = Buffer.from(text, 'base64url').toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

const uid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const short = /^[A-Za-z0-9_-]{22}$/;
