import * as z from 'zod';
import type { CloudProvider } from '#cloud/provider.ts';
import { type ClusterConfig, parseClusterConfig } from './config.ts';
import { explainFault } from './fault.ts';

/** A cluster on both sides, as a person writes it; what a test is about it replaces. */
export const exampleText = `name: shop
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
  open: () => {
    throw new Error('an example opens no cloud');
  },
};

/** @fails Error with all that is wrong with the text */
export function configOf(text = exampleText): ClusterConfig {
  const parsed = parseClusterConfig(text, '/cluster.yaml', { env: { A: 'x', B: 'y' }, providers: [provider] });
  if (!parsed.ok) throw new Error(parsed.failure.map((fault) => explainFault('cluster.yaml', fault)).join('\n'));
  return parsed.value;
}
