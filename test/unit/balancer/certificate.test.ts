import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCertificate } from '#balancer/application/certificate.ts';
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

const secret = (certificate: string | undefined, key: string | undefined) => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return readCertificate({
    metadata: { name: 'tls' },
    type: 'kubernetes.io/tls',
    data: {
      ...(certificate !== undefined && { 'tls.crt': base64(certificate) }),
      ...(key !== undefined && { 'tls.key': base64(key) }),
    },
  });
};

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
