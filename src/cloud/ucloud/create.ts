import { randomBytes } from 'node:crypto';
import { sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudMachine, MachineWish } from '../compute.ts';
import type { CloudResult } from '../failure.ts';
import { holdersOfInterfaces, isInterface } from './interfaces.ts';
import { findSurely, listMachines, listMarked, type MachinesAt, type SeenMachine } from './machines.ts';
import { looksAtDoubt, makeOnce } from './make-once.ts';
import { planCreate } from './plan-create.ts';
import { listPrivateIps } from './private-ips.ts';
import type { Deadline } from './wire/deadline.ts';
import { created } from './wire/shapes.ts';

const action = 'CreateUHostInstance';

/** One machine for one name and mark. */
export async function createMachine(
  at: MachinesAt,
  wish: MachineWish,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine>> {
  const step = planCreate(wish, freshPassword());
  if (step.do === 'refuse') return fail({ kind: 'invalid', raw: { action, code: 'wish', message: step.why } });
  const { params, secrets } = step;
  return makeOnce(
    {
      look: () => findWished(at, wish, deadline),
      ask: (share) => at.wire.call({ action, effect: 'once', params, secrets, shape: created }, share),
      sight: ({ UHostIds: [id] }) => firstSight(at, wish, id, deadline),
      poll: at.poll,
    },
    deadline,
  );
}

async function findWished(
  at: MachinesAt,
  wish: MachineWish,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine | undefined>> {
  for (let look = 1; ; look++) {
    const listed = await listMarked(at, wish.mark, deadline);
    if (!listed.ok) return listed;
    const seen = chooseByName(listed.value, wish.name);
    if (seen === undefined) return findByAddress(at, wish, deadline);
    const alive = await hasAddress(at, seen, deadline);
    if (!alive.ok) return alive;
    if (alive.value || look === looksAtDoubt || deadline.left() <= at.poll) return ok(seen);
    await sleep(at.poll);
  }
}

/** A machine without its address is most likely one that has ended, on a list that is late: adopted, it would never come to run. */
async function hasAddress(
  at: MachinesAt,
  { homes: [primary] }: CloudMachine,
  deadline: Deadline,
): Promise<CloudResult<boolean>> {
  // A machine that was just asked for has none yet.
  if (primary === undefined) return ok(true);
  const { id } = primary.home;
  const addresses = await listPrivateIps(at.wire, { ObjectId: id }, deadline);
  return addresses.ok ? ok(addresses.value.some(({ object }) => object === id)) : addresses;
}

/**
 * A machine of this name that has an address in the subnet although the list did not show it: a list that came empty or late
 * must not make a second machine.
 */
async function findByAddress(
  at: MachinesAt,
  wish: MachineWish,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine | undefined>> {
  const addresses = await listPrivateIps(at.wire, { VPCId: wish.vpc, SubnetId: wish.subnet }, deadline);
  if (!addresses.ok) return addresses;
  for (const { object, name, isPrimary } of addresses.value) {
    if (name !== wish.name || !isPrimary) continue;
    const seen = await findHolder(at, object, deadline);
    if (!seen.ok) return seen;
    if (seen.value?.mark === wish.mark) return ok(seen.value);
  }
  return ok(undefined);
}

/** @fails unknown: the lists do not show who has the address, however often they are asked */
async function findHolder(
  at: MachinesAt,
  object: string,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine | undefined>> {
  const holders = isInterface(object) ? await holdersOfInterfaces(at, deadline) : ok(new Map<string, string>());
  if (!holders.ok) return holders;
  const id = holders.value.get(object) ?? object;
  // An interface that no machine was made with, or another product's: no machine of ours.
  if (!id.startsWith('uhost-')) return ok(undefined);
  const seen = await findSurely(at, id, looksAtDoubt, deadline);
  return !seen.ok && seen.failure.kind === 'gone' ? ok(undefined) : seen;
}

/** The oldest of several with one name: every process that looks adopts the same one. */
function chooseByName(seen: readonly SeenMachine[], name: string): CloudMachine | undefined {
  return seen
    .filter(({ machine }) => machine.name === name)
    .sort((a, b) => a.createdAt - b.createdAt || (a.machine.id < b.machine.id ? -1 : 1))[0]?.machine;
}

/** The machine as the cloud shows it, or, while its list lags behind, as it was accepted. */
async function firstSight(
  at: MachinesAt,
  wish: MachineWish,
  id: string | undefined,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine>> {
  if (id === undefined) {
    const message = 'accepted, but no machine was made: the cloud has no room for it here';
    return fail({ kind: 'exhausted', what: 'machines', raw: { action, code: 'none-made', message } });
  }
  const listed = await listMachines(at, { 'UHostIds.0': id }, deadline);
  const seen = listed.ok ? listed.value.find(({ machine }) => machine.id === id) : undefined;
  return ok(seen?.machine ?? acceptedMachine(wish, id));
}

function acceptedMachine({ name, mark, zone, cpu, memory }: MachineWish, id: string): CloudMachine {
  return { id, name, mark, zone, state: 'creating', nic: undefined, homes: [], cpu, memory };
}

/** Long, of all classes that password rules ask for, and forgotten at once. */
function freshPassword(): string {
  return `Is1-${randomBytes(18).toString('base64url')}`;
}
