import { afterEach } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { type Ms, seconds, waitFor } from '#unit/clock.ts';
import type { Result } from '#unit/result.ts';
import type { AddressHome } from '../address.ts';
import type { Cloud } from '../cloud.ts';
import type { CloudMachine, MachineWish } from '../compute.ts';
import { CloudError, type CloudFailure } from '../failure.ts';

/**
 * How the cloud's door behaves, so that every provider is tried in the same troubles.
 *
 * - throttled: every call is refused because of too many calls
 * - hanging: calls are taken and never answered
 * - answersLost: what changes something is done, and the connection is cut before its answer; reads are answered
 */
export type Trouble = 'throttled' | 'hanging' | 'answersLost';

/** A cloud of its own for one test: empty but for one VPC, two subnets and one image. */
export interface ContractWorld {
  readonly cloud: Cloud;
  /** The same cloud, asked with a key that it does not accept. */
  readonly stranger: Cloud;
  readonly place: { readonly zone: string; readonly vpc: string; readonly subnet: string; readonly image: string };
  /** A further subnet of the VPC that holds 4 to 30 addresses. */
  readonly tightSubnet: string;
  /** From now on; `undefined` heals. */
  trouble(kind: Trouble | undefined): void;
  close(): Promise<void>;
}

export type Open = () => Promise<ContractWorld>;

/** Opens a world and closes it after the test, however the test ends. */
export function opening(open: Open): Open {
  const opened: ContractWorld[] = [];
  afterEach(async () => {
    for (const world of opened.splice(0)) await world.close();
  });
  return async () => {
    const world = await open();
    opened.push(world);
    return world;
  };
}

/** The limit of every call in the suite that is not about limits. */
export const within = seconds(20);

export function wishIn(world: ContractWorld, change: Partial<MachineWish> = {}): MachineWish {
  return {
    name: 'web-1',
    mark: 'shop',
    ...world.place,
    cpu: 1,
    memory: gibi(1),
    bootDisk: gibi(20),
    userData: '#cloud-config\n',
    ...change,
  };
}

/** The value, or a thrown failure that tells itself in the test's report. */
export async function valueOf<T>(doing: string, asked: Promise<Result<T, CloudFailure>>): Promise<T> {
  const result = await asked;
  if (!result.ok) throw new CloudError(doing, result.failure);
  return result.value;
}

/** The kind of the failure, or `ok`. */
export async function kindOf(asked: Promise<Result<unknown, CloudFailure>>): Promise<CloudFailure['kind'] | 'ok'> {
  const result = await asked;
  return result.ok ? 'ok' : result.failure.kind;
}

export async function machineIn(world: ContractWorld, state: CloudMachine['state'], id: string): Promise<CloudMachine> {
  return waitFor(
    `${id} to be ${state}`,
    async () => {
      const machine = await valueOf('finding machine', world.cloud.compute.find(id, { within }));
      if (machine.state !== state) throw new Error(machine.state);
      return machine;
    },
    { within, every: 50 as Ms },
  );
}

export async function runningMachine(world: ContractWorld, change: Partial<MachineWish> = {}): Promise<CloudMachine> {
  const made = await valueOf('creating machine', world.cloud.compute.create(wishIn(world, change), { within }));
  return machineIn(world, 'running', made.id);
}

export function homeOf(machine: CloudMachine): AddressHome {
  if (machine.nic === undefined) throw new Error(`${machine.id} runs without an interface`);
  const { id, mac, subnet, vpc } = machine.nic;
  return { zone: machine.zone, vpc, subnet, object: id, mac };
}
