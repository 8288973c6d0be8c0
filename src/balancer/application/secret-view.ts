import { type CertificateContent, digestOf } from '#cloud/certificate.ts';
import type { Kube } from '#kube/kube.ts';
import { secrets } from '#kube/resources.ts';
import { type Ms, minutes, ms, seconds, uptime } from '#unit/clock.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import { readCertificate } from './certificate.ts';
import type { SecretCertificate } from './choose-group.ts';

type Read = Result<SecretCertificate, string>;

/**
 * Certificates of TLS Secrets, each read again after a while: the right to read a Secret by its name is all that is needed for that, and
 * the right to list them all would be more. Keys are forgotten as soon as they are old.
 */
export class SecretView {
  readonly #kube: Kube;
  readonly #read = new Map<
    string,
    { readonly at: number; readonly found: Read; readonly content: CertificateContent | undefined }
  >();

  /** By Secret, digests of all that it had while it was named; they tell nothing of the keys. */
  readonly #digests = new Map<string, Set<string>>();

  constructor(kube: Kube) {
    this.#kube = kube;
  }

  /** @fails KubeError: nothing is known of the Secret then */
  async of(namespace: string, name: string): Promise<Read> {
    this.#forgetOld();
    const key = `${namespace}/${name}`;
    const last = this.#read.get(key);
    if (last !== undefined && uptime() < last.at + lifeOf(last.found)) return last.found;
    const secret = await this.#kube.get(secrets, { namespace, name });
    const certificate = secret === undefined ? fail('it does not exist') : readCertificate(secret);
    const content = certificate.ok ? { chain: certificate.value.chain, key: certificate.value.key } : undefined;
    const found: Read =
      certificate.ok && content !== undefined
        ? ok({
            covers: certificate.value.covers,
            notAfter: certificate.value.notAfter,
            digest: digestOf(content),
            before: this.#before(key, digestOf(content)),
          })
        : fail(certificate.ok ? '' : certificate.failure);
    this.#read.set(key, { at: uptime(), found, content });
    return found;
  }

  #before(key: string, digest: string): readonly string[] {
    const all = (this.#digests.get(key) ?? new Set()).add(digest);
    this.#digests.set(key, all);
    return [...all].filter((one) => one !== digest);
  }

  contentOf(digest: string): CertificateContent | undefined {
    return [...this.#read.values()].find(({ found }) => found.ok && found.value.digest === digest)?.content;
  }

  /** When one of these is to be read again. @unit names: `namespace/name` */
  nextLook(names: readonly string[]): Ms | undefined {
    this.#forgetOld();
    const dues = names.flatMap((name) => {
      const last = this.#read.get(name);
      return last === undefined ? [] : last.at + lifeOf(last.found) - uptime();
    });
    return dues.length === 0 ? undefined : ms(Math.max(50, Math.min(...dues)));
  }

  /** What is wanted is read again before it is so old. */
  #forgetOld(): void {
    for (const [name, { at }] of this.#read) {
      if (at + longestLife > uptime()) continue;
      this.#read.delete(name);
      this.#digests.delete(name);
    }
  }
}

const longestLife = minutes(2);

/** A Secret that is missing is often about to come. */
function lifeOf(found: Read): Ms {
  return found.ok ? seconds(30) : seconds(5);
}
