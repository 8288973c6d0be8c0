import { expect, test } from 'vitest';
import { planNodeLabels } from './plan-node-labels.ts';

const uhost = { nodetype: 'uhost', 'node.uk8s.ucloud.cn/instance_type': 'uhost' };
const cloud = { 'isthmus.dev/ground': 'cloud' };
const site = { 'isthmus.dev/ground': 'site' };
const ucloud = 'ucloud://cn-bj2-04/uhost-1';
const base = 'isthmus-site://base-1';

test.each<[string, string | undefined, Record<string, string>, ReturnType<typeof planNodeLabels>]>([
  ['a new cloud node', ucloud, cloud, uhost],
  ['a cloud node that has them', ucloud, { ...cloud, ...uhost }, undefined],
  ['a value that somebody chose', ucloud, { ...cloud, ...uhost, nodetype: 'gpu' }, undefined],
  ['a machine of the site', base, site, undefined],
  [
    'a machine of the site that got some before that was forbidden',
    base,
    { ...site, nodetype: 'uhost', 'topology.udisk.csi.ucloud.cn/zone': 'cn-bj2-04' },
    { nodetype: null, 'topology.udisk.csi.ucloud.cn/zone': null },
  ],
  ['a machine of a cloud whose users select by nothing of its own', 'aws://eu-1a/i-1', cloud, undefined],
  ['a Node without a provider id', undefined, cloud, undefined],
  ['a Node whose label and provider id differ', base, { ...cloud, ...uhost }, undefined],
])('%s', (_title, providerID, labels, patch) => {
  const spec = providerID === undefined ? {} : { providerID };
  expect(planNodeLabels({ metadata: { name: 'n', labels }, spec })).toEqual(patch);
});
