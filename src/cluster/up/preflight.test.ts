import { expect, test } from 'vitest';
import type { CloudFailure } from '#cloud/failure.ts';
import { gibi } from '#unit/bytes.ts';
import { cidr, ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import { configOf } from '../config/config.example.ts';
import type { CloudMachineConfig, ClusterConfig } from '../config/config.ts';
import { explainFault } from '../config/fault.ts';
import { type CloudSeen, planPreflight } from './preflight.ts';

const example = configOf();
const machine = example.cloudMachines[0] as CloudMachineConfig;
const config: ClusterConfig = { ...example, cloudMachines: [machine], machines: [] };
const failure = (kind: 'gone' | 'denied' | 'unavailable'): CloudFailure => ({
  kind,
  raw: { action: 'Describe', code: '8039', message: 'no' },
});
const vpc = { id: 'uvnet-1', name: 'vpc', ranges: [cidr('10.9.0.0/16')] };
const subnet = {
  id: 'subnet-1',
  vpc: 'uvnet-1',
  name: 's',
  range: cidr('10.9.0.0/20'),
  gateway: ip('10.9.0.1'),
  available: 9,
};
const well: CloudSeen = {
  vpc: ok(vpc),
  subnet: ok(subnet),
  images: new Map([['uimage-base', ok({ sizeGib: 20 })]]),
  kubernetes: '1.36.3',
  addons: [],
  strangers: [],
};

const rows: readonly [string, Partial<CloudSeen>, readonly string[]][] = [
  ['what cluster.yaml names is there and fits', {}, []],
  ["a bundle's version may begin with v", { kubernetes: 'v1.36.3' }, []],
  [
    'a bundle of another Kubernetes',
    { kubernetes: '1.35.4' },
    [
      'kubernetes: "1.36.3" is not the version in the bundle, which is 1.35.4; write that version, or use a bundle of this one',
    ],
  ],
  [
    'a VPC that is not there',
    { vpc: fail(failure('gone')) },
    ['cloud.vpc: "uvnet-1" does not exist in this region and project; look it up in the console of the cloud'],
  ],
  [
    'credentials that may not look',
    { vpc: fail(failure('denied')), subnet: fail(failure('denied')) },
    [
      'cloud.credentials: "A, B" the cloud refuses the keys in these environment variables: Describe: denied: no [8039]; set them to the keys of an account that has access to the project, VPC and subnet under cloud',
    ],
  ],
  [
    'a cloud that does not answer',
    { vpc: fail(failure('unavailable')), subnet: fail(failure('unavailable')) },
    [
      'cloud: "ucloud" does not answer: Describe: unavailable: no [8039]; check that this computer can reach its API, and the settings under cloud',
    ],
  ],
  [
    "a machine's name that somebody else's machine has",
    { strangers: [{ name: 'cp-1', id: 'uhost-9' }] },
    [
      'cloudMachines[0].name: "cp-1" is the name of uhost-9, a machine in the cloud that does not belong to this cluster; choose another name, or delete that machine if it is yours',
    ],
  ],
  [
    'a subnet of another VPC',
    { subnet: ok({ ...subnet, vpc: 'uvnet-2' }) },
    ['cloud.subnet: "subnet-1" belongs to the VPC uvnet-2, not to cloud.vpc'],
  ],
  [
    'a VPC that overlaps everything of ours',
    { vpc: ok({ ...vpc, ranges: [cidr('10.0.0.0/8'), cidr('172.16.0.0/12'), cidr('192.168.0.0/16')] }) },
    [
      'network.services: "10.96.0.0/16" overlaps 10.0.0.0/8 of the VPC; ranges must not overlap',
      'network.site.pods: "172.16.0.0/16" overlaps 172.16.0.0/12 of the VPC; ranges must not overlap',
      'network.site.machines: "192.168.50.0/24" overlaps 192.168.0.0/16 of the VPC; ranges must not overlap',
    ],
  ],
  [
    'an image that is larger than the disk',
    { images: new Map([['uimage-base', ok({ sizeGib: 60 })]]) },
    ['cloudMachines[0].disk: "cp-1" is smaller than its image, which needs 60Gi'],
  ],
];

test.each(rows)('%s', (_title, change, faults) => {
  const found = planPreflight({ ...well, ...change }, config);
  expect(found.map((fault) => explainFault('f', fault).replace('f: ', ''))).toEqual(faults);
});

test('a machine that is smaller than its role is told before it is bought', () => {
  const small = {
    ...config,
    cloudMachines: [{ ...machine, cpu: 1, memory: gibi(1) }],
  };
  expect(planPreflight(well, small).map((fault) => explainFault('f', fault).replace('f: ', ''))).toEqual([
    'cloudMachines[0].shape.cpu: "1" is too small for a control-plane, which needs at least 2',
    'cloudMachines[0].shape.memory: "1Gi" is too small for a control-plane, which needs at least 1700Mi',
  ]);
});

test('an addon needs its images in the bundle', () => {
  const asking = { ...config, addons: { ingress: { replicas: 2 } } };
  expect(planPreflight({ ...well, addons: ['ingress'] }, asking)).toEqual([]);
  expect(planPreflight(well, asking).map((one) => explainFault('cluster.yaml', one))).toEqual([
    'cluster.yaml: addons.ingress: needs images that the bundle does not have; make one with isthmus bundle create --addon ingress, and write its digest in cluster.yaml',
  ]);
});
