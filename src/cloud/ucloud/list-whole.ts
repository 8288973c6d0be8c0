import { sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { holdersOfInterfaces, isInterface } from './interfaces.ts';
import { listMachines, type MachinesAt, type SeenMachine } from './machines.ts';
import { listPrivateIps } from './private-ips.ts';
import type { Deadline } from './wire/deadline.ts';

/** So many lists in a row, all without a machine that has an address, are believed: it may lie in the recycle bin. */
const looksAtContradiction = 8;

/**
 * All machines of the project. The list is held against the addresses, because whoever believes one that came empty or short
 * makes machines anew, or leaves them running and says that all are gone.
 * @fails unknown: the time was over before the lists agreed · as any read
 */
export async function listWhole(at: MachinesAt, deadline: Deadline): Promise<CloudResult<readonly SeenMachine[]>> {
  const seen = new Map<string, SeenMachine>();
  let missing: readonly string[] = [];
  for (let look = 1; ; look++) {
    const sources = await readBoth(at, deadline);
    if (!sources.ok) return missing.length > 0 && deadline.left() === 0 ? fail(behind(missing)) : sources;
    for (const one of sources.value.machines) seen.set(one.machine.id, one);
    missing = sources.value.holders.filter((id) => !seen.has(id));
    if (missing.length === 0 || look === looksAtContradiction) return ok([...seen.values()]);
    // The first disagreement is most often a machine that came or went between the two calls.
    if (look > 1) await sleep(at.poll);
  }
}

/** @shape holders: ids of machines that have a primary address, or an interface that has one */
async function readBoth(
  at: MachinesAt,
  deadline: Deadline,
): Promise<CloudResult<{ readonly machines: readonly SeenMachine[]; readonly holders: readonly string[] }>> {
  const listed = await listMachines(at, {}, deadline);
  if (!listed.ok) return listed;
  const addresses = await listPrivateIps(at.wire, {}, deadline);
  if (!addresses.ok) return addresses;
  const objects = addresses.value.filter(({ isPrimary }) => isPrimary).map(({ object }) => object);
  const ofInterfaces = objects.some(isInterface) ? await holdersOfInterfaces(at, deadline) : ok(new Map());
  if (!ofInterfaces.ok) return ofInterfaces;
  const holders = [...objects.filter((id) => id.startsWith('uhost-')), ...ofInterfaces.value.values()];
  return ok({ machines: listed.value, holders });
}

function behind(missing: readonly string[]): CloudFailure {
  const message = `${missing.join(', ')} have addresses, but the list of machines lacks them: the list is behind`;
  return { kind: 'unknown', raw: { action: 'DescribeUHostInstance', code: 'contradiction', message } };
}
