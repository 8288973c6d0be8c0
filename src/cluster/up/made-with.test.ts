import { expect, test } from 'vitest';
import * as z from 'zod';
import type { CloudProvider } from '#cloud/provider.ts';
import type { NodeObject } from '#kube/resources.ts';
import { type ClusterConfig, parseClusterConfig } from '../config/config.ts';
import { explainFault } from '../config/fault.ts';
import { planMadeWith, readMadeWith } from './made-with.ts';

const good = `name: shop
kubernetes: 1.36.3
bundle: { url: "http://store/bundle", digest: "sha256:${'a'.repeat(64)}" }
cloud:
  provider: ucloud
  region: cn-bj2
  zone: cn-bj2-04
  project: org-abc
  vpc: uvnet-1
  subnet: subnet-1
  credentials: { publicKey: { env: A }, privateKey: { env: B } }
network:
  services: 10.96.0.0/16
  site: { mode: routed, pods: 172.16.0.0/16, perMachine: 24, machines: 192.168.50.0/24 }
ssh: { key: /key }
controlPlane: [cp-1]
cloudMachines:
  - { name: cp-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }
  - { name: web-1, shape: { cpu: 2, memory: 4Gi }, image: uimage-base }
machines: [{ name: base-1, address: 192.168.50.13 }]
`;

const provider: CloudProvider = {
  name: 'ucloud',
  examples: { region: 'cn-bj2', zone: 'cn-bj2-04', vpc: 'uvnet-1', subnet: 'subnet-1' },
  settings: { project: z.string(), endpoint: z.string().default('https://api.ucloud.cn') },
  fixed: { project: 'the machines of the cluster are there' },
  credentials: { publicKey: 'A', privateKey: 'B' },
  open: () => expect.fail('nothing is opened'),
};

function configOf(text: string): ClusterConfig {
  const parsed = parseClusterConfig(text, '/cluster.yaml', { env: { A: 'x', B: 'y' }, providers: [provider] });
  if (!parsed.ok) throw new Error(parsed.failure.map((fault) => explainFault('cluster.yaml', fault)).join('\n'));
  return parsed.value;
}

const node = (name: string, labels: Record<string, string>): NodeObject => ({
  metadata: { name, labels },
  status: { nodeInfo: { kubeletVersion: 'v1.36.3', osImage: '', containerRuntimeVersion: '' } },
});
const settings = {
  name: 'shop',
  cloud: {
    provider: 'ucloud',
    region: 'cn-bj2',
    zone: 'cn-bj2-04',
    project: 'org-abc',
    vpc: 'uvnet-1',
    subnet: 'subnet-1',
    endpoint: 'https://api.ucloud.cn',
  },
  ranges: { vpc: ['10.9.0.0/16'], services: '10.96.0.0/16', site: ['192.168.50.0/24'], sitePods: '172.16.0.0/16' },
};
const nodes = [node('web-1', {}), node('cp-1', { 'node-role.kubernetes.io/control-plane': '' })];
const made = readMadeWith(
  { 'settings.json': JSON.stringify(settings), 'network.json': JSON.stringify({ perMachine: 24 }) },
  nodes,
);

const faultsOf = (from: string, to: string): readonly string[] =>
  planMadeWith(made, configOf(good.replace(from, to))).map((fault) => explainFault('cluster.yaml', fault));

test('a file that says what the cluster was made with is accepted', () => {
  expect(planMadeWith(made, configOf(good))).toEqual([]);
});

test.each([
  ['pods: 172.16.0.0/16', 'pods: 172.20.0.0/16', 'network.site.pods: 172.20.0.0/16', '172.16.0.0/16'],
  ['10.96.0.0/16', '10.97.0.0/16', 'network.services: 10.97.0.0/16', '10.96.0.0/16'],
  ['perMachine: 24', 'perMachine: 25', 'network.site.perMachine: 25', '24'],
  ['zone: cn-bj2-04', 'zone: cn-bj2-05', 'cloud.zone: cn-bj2-05', 'cn-bj2-04'],
  ['region: cn-bj2', 'region: cn-sh2', 'cloud.region: cn-sh2', 'cn-bj2'],
  ['org-abc', 'org-xyz', 'cloud.project: org-xyz', 'org-abc'],
  ['uvnet-1', 'uvnet-2', 'cloud.vpc: uvnet-2', 'uvnet-1'],
  ['name: shop', 'name: store', 'name: store', 'shop'],
  ['kubernetes: 1.36.3', 'kubernetes: 1.37.0', 'kubernetes: 1.37.0', '1.36.3'],
  ['controlPlane: [cp-1]', 'controlPlane: [web-1]', 'controlPlane: web-1', 'cp-1'],
])('%s changed to %s is refused, naming both values and the cure', (from, to, told, was) => {
  const [fault, ...others] = faultsOf(from, to);
  expect(others).toEqual([]);
  expect(fault).toContain(`cluster.yaml: ${told} cannot be changed: the cluster was made with ${was}, and `);
  expect(fault).toContain(`; write ${was} again, or make a new cluster (isthmus down, then isthmus up)`);
});

test('several are told at once, with their reasons', () => {
  const text = good.replace('pods: 172.16.0.0/16', 'pods: 172.20.0.0/16').replace('10.96.0.0/16', '10.97.0.0/16');
  expect(planMadeWith(made, configOf(text)).map(({ problem }) => problem)).toEqual([
    'cannot be changed: the cluster was made with 10.96.0.0/16, and every Service has an address of it; write 10.96.0.0/16 again, or make a new cluster (isthmus down, then isthmus up)',
    'cannot be changed: the cluster was made with 172.16.0.0/16, and nodes, pods and the routes on the gateway have addresses of it; write 172.16.0.0/16 again, or make a new cluster (isthmus down, then isthmus up)',
  ]);
});

test.each([
  ['subnet: subnet-1', 'subnet: subnet-2'],
  ['machines: [{ name: base-1, address: 192.168.50.13 }]', 'machines: [{ name: base-2, address: 192.168.50.14 }]'],
  ['network:\n', 'network:\n  mtu: 1400\n'],
])('%s may be changed', (from, to) => {
  expect(faultsOf(from, to)).toEqual([]);
});

test('what the cluster does not say is not compared: before its settings were applied, or when they are unreadable', () => {
  const other = configOf(good.replace('10.96.0.0/16', '10.97.0.0/16'));
  expect(planMadeWith(readMadeWith({}, []), other)).toEqual([]);
  expect(planMadeWith(readMadeWith({ 'settings.json': '{', 'network.json': '{' }, nodes), other)).toEqual([]);
  expect(readMadeWith({}, nodes)).toEqual({ controlPlane: 'cp-1', kubernetes: '1.36.3' });
});
