import { fail, ok } from '#unit/result.ts';
import { type CertificateContent, type CloudCertificate, digestOf } from '../certificate.ts';
import type { CloudResult } from '../failure.ts';
import type { Owned } from '../owned.ts';
import { chooseOldest } from './balancers.ts';
import { findListed, type ListsAt, listPages, pagesOf } from './list-pages.ts';
import { makeOnce } from './make-once.ts';
import { doneIfGone, foreign } from './outcomes.ts';
import { certificateName, parseCertificate } from './parse-certificate.ts';
import type { Deadline } from './wire/deadline.ts';
import { accepted, certificateMade, certificates } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

export function listCertificates(
  at: ListsAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudCertificate[]>> {
  return listPages(
    at,
    {
      action: 'DescribeSSLV2',
      params: filter,
      shape: pagesOf(certificates, ({ DataSet }) => DataSet.map(parseCertificate)),
      idOf: ({ id }) => id,
    },
    deadline,
  );
}

/** One certificate for one content of one owner. */
export async function keepCertificate(
  at: ListsAt,
  wish: CertificateContent & Owned,
  deadline: Deadline,
): Promise<CloudResult<CloudCertificate>> {
  const { mark, owner, key } = wish;
  const digest = digestOf(wish);
  const [own, ...issuers] = blocksOf(wish.chain);
  const params = {
    SSLName: certificateName({ mark, owner, digest }),
    SSLType: 'Pem',
    UserCert: own,
    PrivateKey: key,
    ...(issuers.length > 0 && { CaCert: issuers.join('\n') }),
  };
  return makeOnce(
    {
      async look() {
        const listed = await listCertificates(at, {}, deadline);
        if (!listed.ok) return listed;
        const same = listed.value.filter((one) => one.digest === digest);
        return ok(chooseOldest(same, wish));
      },
      ask: (share) =>
        at.wire.call(
          { action: 'CreateSSL', effect: 'once', params, secrets: linesOf(key), shape: certificateMade },
          share,
        ),
      sight: ({ SSLId }) => ok({ id: SSLId, mark, owner, digest, createdAt: 0, isUsed: false }),
      poll: at.poll,
    },
    deadline,
  );
}

export async function removeCertificate(
  at: ListsAt,
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const action = 'DeleteSSL';
  const isIt = (one: CloudCertificate): boolean => one.id === id;
  const seen = await findListed((filter) => listCertificates(at, filter, deadline), 'SSLId', id, isIt);
  if (!seen.ok) return doneIfGone(seen);
  if (seen.value === undefined) return ok();
  if (seen.value.mark !== mark) return fail(foreign(action, id, mark));
  const params = { SSLId: id };
  return doneIfGone(await at.wire.call({ action, effect: 'repeatable', params, shape: accepted }, deadline));
}

/** Of a key in PEM: line by line, because a line may be told alone, and its frame is no secret. */
function linesOf(key: string): readonly string[] {
  return key.split(/\s*\n\s*/).filter((line) => line !== '' && !line.startsWith('-----'));
}

/** The PEM blocks of a chain, each by itself. */
function blocksOf(chain: string): readonly string[] {
  return chain.match(/-----BEGIN [^-]+-----[\s\S]*?-----END [^-]+-----/g) ?? [chain];
}
