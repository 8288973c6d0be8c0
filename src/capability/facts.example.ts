import { cidr } from '#unit/ip.ts';
import type { ClusterFacts } from './capability.ts';

/** A cluster of one machine, for tests of what capabilities make from its facts. */
export const exampleFacts: ClusterFacts = {
  cluster: {
    name: 'shop',
    kubernetes: '1.36.3',
    network: {
      services: cidr('10.96.0.0/16'),
      site: {
        mode: 'routed',
        routed: { pods: cidr('172.16.0.0/16'), perMachine: 24 },
        bridged: undefined,
        machines: [],
      },
      cloud: { warm: { low: 4, high: 8 } },
    },
    controlPlane: 'cp-1',
    cloudMachines: [],
    nodeGroups: [],
    machines: [],
    storage: { cloudDisks: false, fileShares: false, powerOffSilentAfter: undefined },
    addons: { ingress: undefined },
  },
  bundle: { url: 'http://store/bundle', digest: 'sha256:0' },
  image: (part) => part,
  api: { address: '10.9.0.2', port: 6443 },
  mtu: 1452,
  mostPorts: 5,
  mostDisks: 20,
  metadata: ['100.80.80.80'],
};

/** The same with a machine of the site, volumes of each kind and the addon: what a cluster has that asks for everything. */
export const factsOfEverything: ClusterFacts = {
  ...exampleFacts,
  cluster: {
    ...exampleFacts.cluster,
    machines: [
      { name: 'base-1', address: '192.168.50.11', storage: { directories: [], disks: [], keepFree: undefined } },
    ],
    storage: { cloudDisks: true, fileShares: true, powerOffSilentAfter: undefined },
    addons: { ingress: { replicas: 2 } },
  },
};
