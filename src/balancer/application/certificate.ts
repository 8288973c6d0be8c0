import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { CertificateContent } from '#cloud/certificate.ts';
import type { SecretObject } from '#kube/resources.ts';
import { messageOf } from '#unit/message-of.ts';
import { fail, ok, type Result } from '#unit/result.ts';

/** A certificate of a Secret, as it can be handed to the cloud. */
export interface Certificate extends CertificateContent {
  /** Seconds since 1970. */
  readonly notAfter: number;
  /** Whether it is for this host. */
  readonly covers: (host: string) => boolean;
}

/** What can be served of a Secret. @fails a sentence that says what is wrong and what helps */
export function readCertificate({ type, data = {} }: SecretObject): Result<Certificate, string> {
  const chain = textOf(data['tls.crt']);
  const key = textOf(data['tls.key']);
  const missing = [...(chain === '' ? ['tls.crt'] : []), ...(key === '' ? ['tls.key'] : [])];
  if (missing.length > 0)
    return fail(
      `it has no ${missing.join(' and no ')} (its type is ${type ?? 'not given'}): make it with kubectl create secret tls`,
    );
  const certificate = parsed(() => new X509Certificate(chain));
  if (!certificate.ok) return fail(`its tls.crt is not a certificate in PEM form (${certificate.failure})`);
  const privateKey = parsed((): KeyObject => createPrivateKey(key));
  if (!privateKey.ok) return fail(`its tls.key is not an unencrypted private key in PEM form (${privateKey.failure})`);
  if (!certificate.value.checkPrivateKey(privateKey.value))
    return fail(
      'its tls.key does not belong to its tls.crt: the first certificate of tls.crt must be that of the server',
    );
  return ok({
    chain,
    key,
    notAfter: certificate.value.validToDate.getTime() / 1000,
    covers: (host) => covers(certificate.value, host),
  });
}

/** A host of an Ingress may have a wildcard itself, which a name in the certificate must then have too. */
function covers(certificate: X509Certificate, host: string): boolean {
  if (!host.startsWith('*.')) return certificate.checkHost(host) !== undefined;
  const names = (certificate.subjectAltName ?? '').split(', ').map((name) => name.toLowerCase());
  return names.includes(`dns:${host.toLowerCase()}`);
}

function textOf(base64: string | undefined): string {
  return Buffer.from(base64 ?? '', 'base64')
    .toString('utf8')
    .trim();
}

function parsed<T>(parse: () => T): Result<T, string> {
  try {
    return ok(parse());
  } catch (fault) {
    return fail(messageOf(fault));
  }
}
