import { gibi } from '#unit/bytes.ts';
import { type Ms, ms, seconds, waitFor } from '#unit/clock.ts';
import type { AddressHome } from '../address.ts';
import type { Cloud } from '../cloud.ts';
import type { CloudMachine, MachineWish } from '../compute.ts';
import { CloudError, type CloudFailure, type CloudResult } from '../failure.ts';
import type { ContractWorld } from './world.ts';

/** The world as a case sees it. */
export interface CaseWorld extends ContractWorld {
  /** Asked by a caller that keeps books, and in trouble by one that persists (persistent.ts). */
  readonly cloud: Cloud;
  /** The provider as it is, for what a single answer has to be. */
  readonly once: Cloud;
}

/** What a provider owes, by a sentence that says it. */
export type Cases = Readonly<Record<string, (world: CaseWorld) => Promise<void>>>;

/** The limit of every call that is not about limits: for computers that are busy with other things. */
export const within = seconds(60);

export function wishIn(world: CaseWorld, change: Partial<MachineWish> = {}): MachineWish {
  return {
    name: 'web-1',
    mark: 'shop',
    ...world.place,
    cpu: 1,
    memory: gibi(1),
    bootDisk: gibi(20),
    charge: 'hour',
    elastic: false,
    userData: '#cloud-config\n',
    ...change,
  };
}

/** The value, or a thrown failure that tells itself in the test's report. */
export async function valueOf<T>(doing: string, asked: Promise<CloudResult<T>>): Promise<T> {
  const result = await asked;
  if (!result.ok) throw new CloudError(doing, result.failure);
  return result.value;
}

/** The kind of the failure, or `ok`. */
export async function kindOf(asked: Promise<CloudResult<unknown>>): Promise<CloudFailure['kind'] | 'ok'> {
  const result = await asked;
  return result.ok ? 'ok' : result.failure.kind;
}

/** What a removal leaves: a cloud may show for a while what is gone, but never tell that something is gone too early. */
export async function soon(what: string, look: () => Promise<boolean>): Promise<void> {
  await waitFor(what, look, { within, every: ms(20) });
}

/** How long `ask` takes. */
export async function spanOf(ask: () => Promise<unknown>): Promise<Ms> {
  const began = performance.now();
  await ask();
  return ms(performance.now() - began);
}

/** Waits until the machine is in one of the states. */
export async function machineIn(
  world: CaseWorld,
  id: string,
  ...states: readonly CloudMachine['state'][]
): Promise<CloudMachine> {
  return waitFor(
    `${id} to be ${states.join(' or ')}`,
    async () => {
      const machine = await valueOf('finding machine', world.cloud.compute.find(id, { within }));
      if (!states.includes(machine.state)) throw new Error(machine.state);
      return machine;
    },
    { within, every: ms(20) },
  );
}

/** A machine that runs; one whose installation fails is removed and asked for anew, as any caller would. */
export async function runningMachine(world: CaseWorld, change: Partial<MachineWish> = {}): Promise<CloudMachine> {
  const { compute } = world.cloud;
  const wish = wishIn(world, change);
  const made = await valueOf('creating machine', compute.create(wish, { within }));
  const settled = await machineIn(world, made.id, 'running', 'failed');
  if (settled.state === 'running') return settled;
  await valueOf('removing a failed machine', compute.remove(made.id, wish.mark, { within }));
  return runningMachine(world, change);
}

/** Its primary interface. */
export function homeOf(machine: CloudMachine): AddressHome {
  const [primary] = machine.homes;
  if (primary === undefined) throw new Error(`${machine.id} runs without an interface`);
  return primary.home;
}
