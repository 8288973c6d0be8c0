import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { readCertificate } from '#balancer/application/certificate.ts';
import { SecretView } from '#balancer/application/secret-view.ts';
import type { Kube } from '#kube/kube.ts';
import type { SecretObject } from '#kube/resources.ts';
import { minutes, seconds } from '#unit/clock.ts';
import { authorityIn, type Certified } from '../../support/certificates.ts';

let folder: string;
let shop: Certified;
let other: Certified;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-certificate-'));
  const authority = await authorityIn(folder);
  shop = await authority.sign('shop', '/CN=shop', 'DNS:shop.example,DNS:*.shop.example');
  other = await authority.sign('other', '/CN=other', 'DNS:other.example');
});
afterAll(() => rm(folder, { recursive: true }));

const secretOf = (certificate: string | undefined, key: string | undefined): SecretObject => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return {
    metadata: { name: 'tls' },
    type: 'kubernetes.io/tls',
    data: {
      ...(certificate !== undefined && { 'tls.crt': base64(certificate) }),
      ...(key !== undefined && { 'tls.key': base64(key) }),
    },
  };
};
const secret = (certificate: string | undefined, key: string | undefined) =>
  readCertificate(secretOf(certificate, key));

test('a certificate with its key is read, and says for which hosts it is', () => {
  const read = secret(shop.certificate, shop.key);
  if (!read.ok) throw new Error(read.failure);
  const { covers, notAfter, chain } = read.value;
  expect(['shop.example', 'a.shop.example', '*.shop.example', 'a.b.shop.example', 'other.example'].map(covers)).toEqual(
    [true, true, true, false, false],
  );
  expect(notAfter).toBeGreaterThan(Date.now() / 1000);
  expect(chain).toContain('BEGIN CERTIFICATE');
});

test.each<[string, () => readonly [string | undefined, string | undefined], RegExp]>([
  ['without a key', () => [shop.certificate, undefined], /^it has no tls\.key \(its type is kubernetes\.io\/tls\)/],
  ['that is empty', () => [undefined, undefined], /^it has no tls\.crt and no tls\.key/],
  ['whose certificate is none', () => ['hello', shop.key], /^its tls\.crt is not a certificate in PEM form/],
  ['whose key is none', () => [shop.certificate, 'hello'], /^its tls\.key is not an unencrypted private key/],
  [
    'whose key is that of another',
    () => [shop.certificate, other.key],
    /^its tls\.key does not belong to its tls\.crt/,
  ],
])('a Secret %s is refused with the reason, and its key is not in it', (_title, given, message) => {
  const read = secret(...given());
  expect(read.ok ? '' : read.failure).toMatch(message);
  expect(JSON.stringify(read)).not.toContain('PRIVATE KEY');
});

test('the key of a Secret that nobody names any more is forgotten, and one that is named is read again after 30 s', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  try {
    let reads = 0;
    const get = async (_: unknown, { name }: { readonly name: string }) => {
      reads++;
      return name === 'shop' ? secretOf(shop.certificate, shop.key) : secretOf(other.certificate, other.key);
    };
    const view = new SecretView({ get } as unknown as Kube);
    const digestOf = async (name: string): Promise<string> => {
      const read = await view.of('web', name);
      return read.ok ? read.value.digest : read.failure;
    };
    const [first, second] = [await digestOf('shop'), await digestOf('other')];
    expect(view.contentOf(first)?.key).toBe(shop.key.trim());
    vi.advanceTimersByTime(seconds(29));
    await digestOf('other');
    expect(reads).toBe(2);
    for (let at = 0; at < 5; at++) {
      vi.advanceTimersByTime(minutes(0.5));
      await digestOf('other');
    }
    expect(reads).toBe(7);
    expect([view.contentOf(first), view.contentOf(second)?.key]).toEqual([undefined, other.key.trim()]);
  } finally {
    vi.useRealTimers();
  }
});
