import { expect, test } from 'vitest';
import type { NodeObject } from '#kube/resources.ts';
import { configOf, exampleText } from '../config/config.example.ts';
import { explainFault } from '../config/fault.ts';
import { planMadeWith, readMadeWith } from './made-with.ts';

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
  planMadeWith(made, configOf(exampleText.replace(from, to))).map((fault) => explainFault('cluster.yaml', fault));

test('a file that says what the cluster was made with is accepted', () => {
  expect(planMadeWith(made, configOf())).toEqual([]);
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
  ['kubernetes: 1.36.3', 'kubernetes: 1.36.3\nsecretsEncryption: true', 'secretsEncryption: true', 'false'],
  ['controlPlane: [cp-1]', 'controlPlane: [web-1]', 'controlPlane: web-1', 'cp-1'],
])('%s changed to %s is refused, naming both values and the cure', (from, to, told, was) => {
  const [fault, ...others] = faultsOf(from, to);
  expect(others).toEqual([]);
  expect(fault).toContain(`cluster.yaml: ${told} cannot be changed: the cluster was made with ${was}, and `);
  expect(fault).toContain(`; write ${was} again, or make a new cluster (isthmus down, then isthmus up)`);
});

test('several are told at once, with their reasons', () => {
  const text = exampleText
    .replace('pods: 172.16.0.0/16', 'pods: 172.20.0.0/16')
    .replace('10.96.0.0/16', '10.97.0.0/16');
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

test('killed before its settings were applied, a cluster whose Secrets are not encrypted does not become one that says they are', () => {
  const other = configOf(exampleText.replace('kubernetes: 1.36.3', 'kubernetes: 1.36.3\nsecretsEncryption: true'));
  const plain = readMadeWith({}, nodes, 'apiServer: {}\n');
  expect(planMadeWith(plain, other).map(({ path, problem }) => [path, problem.slice(0, 53)])).toEqual([
    ['secretsEncryption', 'cannot be changed: the cluster was made with false, a'],
  ]);
  const encrypted = readMadeWith({}, nodes, 'apiServer:\n  extraArgs:\n  - name: encryption-provider-config\n');
  expect(planMadeWith(encrypted, other)).toEqual([]);
  expect(planMadeWith(encrypted, configOf()).map(({ path }) => path)).toEqual(['secretsEncryption']);
  // Whoever has encrypted them by hand since then goes on as before.
  expect(readMadeWith({ 'settings.json': JSON.stringify(settings) }, nodes, 'encryption-provider-config')).toEqual(
    readMadeWith({ 'settings.json': JSON.stringify(settings) }, nodes),
  );
});

test('what the cluster does not say is not compared: before its settings were applied, or when they are unreadable', () => {
  const other = configOf(exampleText.replace('10.96.0.0/16', '10.97.0.0/16'));
  expect(planMadeWith(readMadeWith({}, []), other)).toEqual([]);
  expect(planMadeWith(readMadeWith({ 'settings.json': '{', 'network.json': '{' }, nodes), other)).toEqual([]);
  expect(readMadeWith({}, nodes)).toEqual({ controlPlane: 'cp-1', kubernetes: '1.36.3' });
});
