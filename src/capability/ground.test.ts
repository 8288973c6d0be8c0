import { expect, test } from 'vitest';
import { type Ground, groundOf } from './ground.ts';

const rows: readonly (readonly [string, string | undefined, string | undefined, Ground])[] = [
  [
    'a cloud machine',
    'ucloud://cn-bj2-04/uhost-1',
    'cloud',
    { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' },
  ],
  ['a site machine', 'isthmus-site://base-1', 'site', { ground: 'site', machine: 'base-1' }],
  ['no provider id', undefined, 'cloud', { ground: 'unclear', why: 'the Node has no spec.providerID yet' }],
  [
    'the id of another cloud controller',
    'gce://p/z/n',
    'cloud',
    { ground: 'unclear', why: 'spec.providerID "gce://p/z/n" has no form that Isthmus uses' },
  ],
  [
    'a site machine that calls itself a cloud machine',
    'isthmus-site://base-1',
    'cloud',
    { ground: 'unclear', why: 'label isthmus.dev/ground is "cloud" but spec.providerID says site' },
  ],
];

test.each(rows)('%s', (_title, providerID, label, ground) => {
  expect(
    groundOf({
      metadata: { name: 'n', labels: label === undefined ? {} : { 'isthmus.dev/ground': label } },
      spec: providerID === undefined ? {} : { providerID },
    }),
  ).toEqual(ground);
});
