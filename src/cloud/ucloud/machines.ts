import { sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudMachine } from '../compute.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { holdersOfInterfaces } from './interfaces.ts';
import { findListed, type ListsAt, listPages, pagesOf } from './list-pages.ts';
import { parseMachine, tagOf } from './parse-machine.ts';
import { listPrivateIps } from './private-ips.ts';
import type { Deadline } from './wire/deadline.ts';
import { hosts } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** What the verbs on machines share. */
export interface MachinesAt extends ListsAt {
  /** For machines whose own answer names none. */
  readonly zone: string;
}

/** A machine, and what the choice among several needs besides. */
export interface SeenMachine {
  readonly machine: CloudMachine;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
}

/** All machines that the filter lets through, each once. */
export async function listMachines(
  at: MachinesAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly SeenMachine[]>> {
  const listed = await listPages(
    at,
    {
      action: 'DescribeUHostInstance',
      params: filter,
      shape: pagesOf(hosts, ({ UHostSet }) => UHostSet),
      idOf: ({ UHostId }) => UHostId,
    },
    deadline,
  );
  if (!listed.ok) return listed;
  return ok(listed.value.map((host) => ({ machine: parseMachine(host, at.zone), createdAt: host.CreateTime ?? 0 })));
}

/**
 * The machine with this id. That it is gone is believed only when neither the list of all machines nor the addresses and interfaces know it.
 * @fails gone · unknown: the lists contradict each other, look again · as any read
 */
export async function findMachine(at: MachinesAt, id: string, deadline: Deadline): Promise<CloudResult<CloudMachine>> {
  const isIt = ({ machine }: SeenMachine): boolean => machine.id === id;
  const seen = await findListed((filter) => listMachines(at, filter, deadline), 'UHostIds.0', id, isIt);
  if (!seen.ok) return seen;
  if (seen.value !== undefined) return ok(seen.value.machine);
  const addresses = await listPrivateIps(at.wire, { ObjectId: id }, deadline);
  if (!addresses.ok) return addresses;
  if (addresses.value.some(({ object }) => object === id)) return fail(contradiction(id));
  const holders = await holdersOfInterfaces(at, deadline);
  if (!holders.ok) return holders;
  if ([...holders.value.values()].includes(id)) return fail(contradiction(id));
  const message = `no machine ${id}, neither by its id nor among all machines, and it has no address`;
  return fail({ kind: 'gone', raw: { action: 'DescribeUHostInstance', code: 'absent', message } });
}

/** As findMachine, but looks again while the lists contradict each other. @unit looks: at most so many */
export async function findSurely(
  at: MachinesAt,
  id: string,
  looks: number,
  deadline: Deadline,
): Promise<CloudResult<CloudMachine>> {
  for (let look = 1; ; look++) {
    const seen = await findMachine(at, id, deadline);
    const again = !seen.ok && seen.failure.kind === 'unknown' && look < looks && deadline.left() > at.poll;
    if (!again) return seen;
    await sleep(at.poll);
  }
}

/** A list that comes empty or late must not make a machine disappear. */
function contradiction(id: string): CloudFailure {
  const message = `no list shows ${id}, but it has an address or an interface: the lists are behind`;
  return { kind: 'unknown', raw: { action: 'DescribeUHostInstance', code: 'contradiction', message } };
}

/** All machines that carry the mark, as one list shows them: for who looks at the addresses as well before anything is made. */
export async function listMarked(
  at: MachinesAt,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<readonly SeenMachine[]>> {
  const listed = await listMachines(at, { Tag: tagOf(mark) }, deadline);
  // The filter is checked again here: what follows may delete.
  return listed.ok ? ok(listed.value.filter(({ machine }) => machine.mark === mark)) : listed;
}
