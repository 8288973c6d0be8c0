import { type Ms, ms, sleep } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';
import type { CloudMachine } from '../compute.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { parseMachine, tagOf } from './parse-machine.ts';
import { listPrivateIps } from './private-ips.ts';
import type { Deadline } from './wire/deadline.ts';
import { type Host, hosts } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** What the verbs on machines share. */
export interface MachinesAt {
  readonly wire: Wire;
  /** For machines whose own answer names none. */
  readonly zone: string;
  /** Pause between two looks at a machine that is on its way. */
  readonly poll: Ms;
}

/** A machine, and what the choice among several needs besides. */
export interface SeenMachine {
  readonly machine: CloudMachine;
  /** Unix seconds; 0 when the cloud does not say. */
  readonly createdAt: number;
}

/** The largest page that DescribeUHostInstance gives. */
const pageSize = 100;

/**
 * All machines that the filter lets through, each once.
 * @source UCloud API reference, DescribeUHostInstance: Limit 20 if left out, 100 at most
 */
export async function listMachines(
  at: MachinesAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly SeenMachine[]>> {
  for (;;) {
    const seen = await turnPages(at.wire, filter, deadline);
    if (!seen.ok) return seen;
    if (seen.value === 'shifted') {
      // Again and again without a pause, a list that is never still would take all turns until the deadline.
      await sleep(ms(Math.min(at.poll, deadline.left())));
      continue;
    }
    return ok(seen.value.map((host) => ({ machine: parseMachine(host, at.zone), createdAt: host.CreateTime ?? 0 })));
  }
}

/** `shifted`: machines came or went between two pages, so that one may stand on neither. */
async function turnPages(
  wire: Wire,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly Host[] | 'shifted'>> {
  const found = new Map<string, Host>();
  let first: number | undefined;
  for (let told = 0; ; ) {
    const page = await wire.call(
      {
        action: 'DescribeUHostInstance',
        effect: 'read',
        params: { ...filter, Offset: told, Limit: pageSize },
        shape: hosts,
      },
      deadline,
    );
    if (!page.ok) return fail(page.failure);
    const { TotalCount: total, UHostSet: set } = page.value;
    if (first !== undefined && total !== first) return ok('shifted');
    first = total;
    told += set.length;
    for (const host of set) found.set(host.UHostId, host);
    const isLast = total === undefined ? set.length < pageSize : told >= total;
    if (set.length === 0 || isLast) return ok([...found.values()]);
  }
}

/**
 * The machine with this id. That it is gone is believed only when neither the list of all machines nor the addresses know it.
 * @fails gone · unknown: the lists contradict each other, look again · as any read
 */
export async function findMachine(at: MachinesAt, id: string, deadline: Deadline): Promise<CloudResult<CloudMachine>> {
  for (const filter of [{ 'UHostIds.0': id }, {}]) {
    const listed = await listMachines(at, filter, deadline);
    if (!listed.ok) return listed;
    const seen = listed.value.find(({ machine }) => machine.id === id);
    if (seen !== undefined) return ok(seen.machine);
  }
  const addresses = await listPrivateIps(at.wire, { ObjectId: id }, deadline);
  if (!addresses.ok) return addresses;
  if (addresses.value.some(({ object }) => object === id)) return fail(contradiction(id));
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
  const message = `no list shows ${id}, but it has an address: the lists are behind`;
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
