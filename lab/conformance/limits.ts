import { readFile } from 'node:fs/promises';
import type { StorageName } from './storage-drivers.ts';

/** A spec that is not run, because it cannot pass whatever the cluster does. */
export interface Limit {
  /** Part of the spec's full name. */
  readonly spec: string;
  readonly why: string;
}

/** Of upstream's storage specs. */
export interface StorageLimit extends Limit {
  readonly drivers: readonly StorageName[];
  /** What stands in the way. */
  readonly of: 'lab' | 'cloud';
  /** Not run only on a computer that does not give its root this. */
  readonly without?: 'CAP_SYS_RESOURCE';
}

/** By what stands in the way. docs/reference/conformance.md holds the same lists, which a test compares. */
export interface Limits {
  /** What the lab can't permit. */
  readonly lab: readonly Limit[];
  /** What the cloud can't do. */
  readonly cloud: readonly Limit[];
}

export const limits: Limits = {
  lab: [
    {
      spec: '[sig-node] ImageVolume should succeed with pod and pull policy of Always',
      why: 'containerd 1.6 of Debian 12 has no image volumes and refuses the container even when the image is there (`failed to mkdir ""`); besides, the spec pulls from a registry of the internet',
    },
  ],
  cloud: [
    {
      spec: 'LoadBalancers should only allow access from service loadbalancer source ranges',
      why: 'an NLB has neither firewall nor security group, and a node sees the address of the balancer instead of the client’s, so nobody could enforce `spec.loadBalancerSourceRanges`; a Service with the field is refused',
    },
    {
      spec: 'LoadBalancers ExternalTrafficPolicy: Local should work for type=LoadBalancer',
      why: 'the spec wants the pod to see the address of the client; an NLB replaces it by its own, and tells the client by PROXY protocol alone, which the spec does not speak',
    },
  ],
};

const growing =
  'online growth of a mounted ext4 needs CAP_SYS_RESOURCE, which this computer does not give to root; block volumes grow online here';

export const storageLimits: readonly StorageLimit[] = [
  {
    spec: '[Testpattern: Dynamic PV (default fs)(allowExpansion)] volume-expand should resize volume when PVC is edited while pod is using it',
    why: growing,
    drivers: ['udisk', 'local'],
    of: 'lab',
    without: 'CAP_SYS_RESOURCE',
  },
  {
    spec: '[Testpattern: Generic Ephemeral-volume (default fs) (late-binding)] ephemeral should support expansion of pvcs created for ephemeral pvcs',
    why: growing,
    drivers: ['udisk', 'local'],
    of: 'lab',
    without: 'CAP_SYS_RESOURCE',
  },
  {
    spec: 'provisioning should provision storage with any volume data source',
    why: 'it starts `hello-populator` and `volume-data-source-validator` of upstream, whose images cannot be built here',
    drivers: ['udisk', 'ufs', 'local'],
    of: 'lab',
  },
  {
    spec: 'multiVolume should concurrently access the volume and its clone from pods on the same node',
    why: 'UCloud copies a disk only while no machine has it (`CloneUDisk`); the spec asks for the copy while a pod uses the original',
    drivers: ['udisk'],
    of: 'cloud',
  },
];

/** What is not run of a driver's specs on this computer. */
export async function limitsOf(driver: StorageName): Promise<Limits> {
  const status = await readFile('/proc/self/status', 'utf8');
  const here = storageLimits.filter(
    ({ drivers, without }) => drivers.includes(driver) && (without === undefined || !maySetResources(status)),
  );
  return { lab: here.filter(({ of }) => of === 'lab'), cloud: here.filter(({ of }) => of === 'cloud') };
}

/** @source linux/capability.h: CAP_SYS_RESOURCE is bit 24 */
function maySetResources(status: string): boolean {
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> 24n) & 1n) === 1n;
}
