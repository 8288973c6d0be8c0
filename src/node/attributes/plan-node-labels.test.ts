import { expect, test } from 'vitest';
import { planNodeLabels } from './plan-node-labels.ts';

const uhost = { nodetype: 'uhost', 'node.uk8s.ucloud.cn/instance_type': 'uhost' };
const placed = { 'topology.kubernetes.io/zone': 'cn-bj2-04', 'topology.kubernetes.io/region': 'cn-bj2' };
const shape = { 'node.kubernetes.io/instance-type': '2c-4Gi' };
const cloud = { 'isthmus.dev/ground': 'cloud' };
const site = { 'isthmus.dev/ground': 'site' };
const whole = { ...cloud, ...uhost, ...placed, ...shape };
const ucloud = 'ucloud://cn-bj2-04/uhost-1';
const base = 'isthmus-site://base-1';
const beta = 'failure-domain.beta.kubernetes.io';

test.each<[string, string | undefined, Record<string, string> | undefined, ReturnType<typeof planNodeLabels>]>([
  ['a new cloud node', ucloud, cloud, { ...uhost, ...placed, ...shape }],
  ['a cloud node that has them', ucloud, whole, undefined],
  [
    'a value that somebody chose',
    ucloud,
    { ...whole, nodetype: 'gpu', 'node.kubernetes.io/instance-type': 'big' },
    undefined,
  ],
  [
    'a zone and a region that are not those of the machine',
    ucloud,
    { ...whole, 'topology.kubernetes.io/zone': 'site', 'topology.kubernetes.io/region': 'home' },
    placed,
  ],
  [
    'old keys, which Kubernetes believes first, with other values',
    ucloud,
    { ...whole, [`${beta}/zone`]: 'elsewhere', [`${beta}/region`]: 'elsewhere' },
    { [`${beta}/zone`]: null, [`${beta}/region`]: null },
  ],
  [
    'old keys with the same values',
    ucloud,
    { ...whole, [`${beta}/zone`]: 'cn-bj2-04', [`${beta}/region`]: 'cn-bj2' },
    undefined,
  ],
  ['a machine of the site', base, site, undefined],
  [
    'a machine of the site, wherever it says it is',
    base,
    { ...site, 'topology.kubernetes.io/zone': 'hall-2' },
    undefined,
  ],
  [
    'a machine of the site that got some before that was forbidden',
    base,
    { ...site, nodetype: 'uhost', 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' },
    { nodetype: null, 'topology.udisk.csi.ucloud.cn/zone': null },
  ],
  [
    'a machine of a cloud whose users select by nothing of its own',
    'aws://eu-1a/i-1',
    cloud,
    { 'topology.kubernetes.io/zone': 'eu-1a', 'topology.kubernetes.io/region': 'cn-bj2', ...shape },
  ],
  ['a Node without a provider id', undefined, cloud, undefined],
  ['a Node without labels', ucloud, undefined, undefined],
  ['a Node whose label and provider id differ', base, { ...cloud, ...uhost }, undefined],
])('%s', (_title, providerID, labels, patch) => {
  const spec = providerID === undefined ? {} : { providerID };
  const node = { metadata: { name: 'n', ...(labels && { labels }) }, spec };
  expect(planNodeLabels(node, { region: 'cn-bj2', instanceType: '2c-4Gi' })).toEqual(patch);
});

test('a cloud that does not tell the shape of a machine keeps no other label from its node', () => {
  const node = { metadata: { name: 'n', labels: cloud }, spec: { providerID: ucloud } };
  expect(planNodeLabels(node, { region: 'cn-bj2', instanceType: undefined })).toStrictEqual({ ...uhost, ...placed });
});
