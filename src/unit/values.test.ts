import { expect, test } from 'vitest';
import { Bug } from './bug.ts';
import { formatBytes, gibi, mebi, parseBytes } from './bytes.ts';
import { formatProviderId, parseProviderId } from './provider-id.ts';

test.each([
  ['4Gi', gibi(4)],
  ['1536Mi', mebi(1536)],
  ['512Ki', 512 * 1024],
  ['2Ti', gibi(2048)],
])('%s is read and written back unchanged', (text, amount) => {
  expect(parseBytes(text)).toBe(amount);
  expect(formatBytes(parseBytes(text) ?? mebi(0))).toBe(text);
});

test.each(['4', '4G', '4GiB', '0Gi', '-1Gi', '1.5Gi', 'Gi', ''])(
  '"%s" is no amount: a unit is never guessed',
  (text) => {
    expect(parseBytes(text)).toBeUndefined();
  },
);

test('a provider id is read back as it was written, and the two grounds never meet', () => {
  const cloud = { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1a2b' } as const;
  const site = { ground: 'site', machine: 'base-1' } as const;
  expect(formatProviderId(cloud)).toBe('ucloud://cn-bj2-04/uhost-1a2b');
  expect(formatProviderId(site)).toBe('isthmus-site://base-1');
  expect([cloud, site].map((id) => parseProviderId(formatProviderId(id)))).toEqual([cloud, site]);
});

test.each([
  '',
  'uhost-1a2b',
  'ucloud://uhost-1a2b',
  'gce://zone/id',
  'isthmus-site://',
  'ucloud://zone/id/more',
  'isthmus-site://a/b',
])('"%s" is no provider id of ours', (text) => {
  expect(parseProviderId(text)).toBeUndefined();
});

test('a bug carries its facts', () => {
  const bug = new Bug('two claims hold one address', { ip: '10.0.0.7' });
  expect(bug.message).toBe('two claims hold one address {"ip":"10.0.0.7"}');
  expect(bug.facts).toEqual({ ip: '10.0.0.7' });
});
