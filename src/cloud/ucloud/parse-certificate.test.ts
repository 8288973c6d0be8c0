import { expect, test } from 'vitest';
import { certificateName, parseCertificate } from './parse-certificate.ts';
import { certificates } from './wire/shapes.ts';

function seen(SSLName: string) {
  const [one] = certificates.parse({ DataSet: [{ SSLId: 'ssl-1', SSLName }] }).DataSet;
  if (one === undefined) throw new Error('nothing was read');
  return parseCertificate(one);
}

test.each([
  ['shop', '0b1c2d3e-4f50-4162-8384-95a6b7c8d9e0'],
  ['shop-of-mine', 'ffffffff-ffff-ffff-ffff-ffffffffffff'],
  ['a.b', 'uid-1'],
])('the name of a certificate of %s tells its mark, owner and digest', (mark, owner) => {
  const digest = 'Ab-_0123';
  expect(seen(certificateName({ mark, owner, digest }))).toMatchObject({ mark, owner, digest });
});

test('a name fits into 50 characters for a cluster whose name has ten', () => {
  const owner = '0b1c2d3e-4f50-4162-8384-95a6b7c8d9e0';
  const name = certificateName({ mark: 'ten-digits', owner, digest: 'Ab-_0123' });
  expect(name.length).toBeLessThanOrEqual(50);
  expect(name).toMatch(/^[A-Za-z0-9._-]+$/);
});

test.each(['', 'shop.example', 'wildcard.shop.example', 'isthmus-shop', 'isthmus.shop.digest'])(
  'a certificate that somebody named "%s" is not ours',
  (name) => {
    expect(seen(name)).toMatchObject({ mark: undefined, owner: undefined, digest: undefined });
  },
);
