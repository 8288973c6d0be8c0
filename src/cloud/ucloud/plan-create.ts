import { type Bytes, formatBytes, gibi } from '#unit/bytes.ts';
import { type MachineWish, userDataLimit } from '../compute.ts';
import { chargeNames } from './parse-balancer.ts';
import { tagOf } from './parse-machine.ts';
import type { Params } from './wire/sign.ts';

export type CreateStep =
  | { readonly do: 'create'; readonly params: Params; readonly secrets: readonly string[] }
  | { readonly do: 'refuse'; readonly why: string };

/**
 * The one request that makes this machine, or all that is wrong with the wish.
 * @shape password: a fresh one that nobody keeps; UCloud wants one, and our machines are reached by the keys of their user data
 * @source UCloud API reference, CreateUHostInstance
 */
export function planCreate(wish: MachineWish, password: string): CreateStep {
  const faults = faultsOf(wish);
  if (faults.length > 0) return { do: 'refuse', why: faults.join('; ') };
  const userData = base64(wish.userData);
  return {
    do: 'create',
    secrets: [wish.userData, userData, password, base64(password)],
    params: {
      Zone: wish.zone,
      Name: wish.name,
      Tag: tagOf(wish.mark),
      ImageId: wish.image,
      VPCId: wish.vpc,
      SubnetId: wish.subnet,
      // Machines of type O boot from RSSD only, and only they can attach RSSD disks.
      MachineType: 'O',
      CPU: wish.cpu,
      Memory: (wish.memory / gibi(1)) * 1024,
      'Disks.0.IsBoot': 'True',
      'Disks.0.Type': 'CLOUD_RSSD',
      'Disks.0.Size': Math.max(smallestBootGib, gibHolding(wish.bootDisk)),
      LoginMode: 'Password',
      Password: base64(password),
      UserData: userData,
      // They exclude a better network, and can be chosen only now.
      ...(wish.elastic && { 'Features.UNI': 'true', NetCapability: 'Normal' }),
      // Left out it is On, and the cloud would format and mount disks that are meant for pods.
      AutoDataDiskInit: 'Off',
      // @source UCloud CreateUHostInstance: Spot is on trial there; DescribeUHostInstance tells such a machine as Preemptive.
      // Left out it is a month, paid in advance, for a machine that may live an hour.
      ChargeType: wish.charge === 'spot' ? 'Spot' : chargeNames[wish.charge],
    },
  };
}

const smallestBootGib = 20;
const largestBootGib = 500;

function faultsOf(wish: MachineWish): string[] {
  const faults: string[] = [];
  if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(wish.name))
    faults.push(`name "${wish.name}" is not 1 to 63 of a-z, 0-9 and -, write web-1`);
  if (!/^[A-Za-z0-9._-]{1,48}$/.test(wish.mark))
    faults.push(`mark "${wish.mark}" is not 1 to 48 of A-Z, a-z, 0-9 and ._-, write shop`);
  if (!Number.isInteger(wish.cpu) || wish.cpu < 1) faults.push(`cpu ${wish.cpu} is no whole number from 1, write 2`);
  if (wish.memory < gibi(1) || wish.memory % gibi(1) !== 0)
    faults.push(`memory ${formatBytes(wish.memory)} is not sold, only whole Gi are, write 4Gi`);
  if (gibHolding(wish.bootDisk) > largestBootGib)
    faults.push(`boot disk ${formatBytes(wish.bootDisk)} is larger than ${largestBootGib}Gi, write 40Gi`);
  const size = Buffer.byteLength(wish.userData);
  if (size > userDataLimit) faults.push(`user data has ${size} bytes, the cloud takes ${userDataLimit}: shorten it`);
  return faults;
}

/** Whole GiB that hold at least this much: a disk may not come out smaller than asked. */
function gibHolding(amount: Bytes): number {
  return Math.ceil(amount / gibi(1));
}

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}
