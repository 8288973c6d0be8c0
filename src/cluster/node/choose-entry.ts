import { nearest } from '#unit/nearest.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import type { MachineList } from '../config/edit-machines.ts';

/** A machine as the command line describes it. */
export interface NodeWish {
  readonly name: string;
  /** Of a physical machine. */
  readonly address: string | undefined;
  /** How a physical machine is reached, as `ssh` of its entry; `undefined`: as all machines are. */
  readonly ssh: Readonly<Record<string, unknown>> | undefined;
  /** A cloud machine that it is to be like. */
  readonly like: string | undefined;
  /** Nobody logs in to it: a person pastes a line there. */
  readonly paste: boolean;
}

/** An entry, where it belongs; `isNew`: cluster.yaml does not have it yet. */
export interface ChosenEntry {
  readonly list: MachineList;
  readonly entry: object;
  readonly isNew: boolean;
}

/** The entries of cluster.yaml, as it has them. */
export interface EntriesSeen {
  /** How messages call the file. */
  readonly file: string;
  readonly controlPlane: string;
  readonly machines: readonly Entry[];
  readonly cloudMachines: readonly Entry[];
}
type Entry = Readonly<Record<string, unknown>>;

/** The entry that the machine has or is to have. @shape why there can be none, with the cure */
export function chooseEntry(wish: NodeWish, seen: EntriesSeen): Result<ChosenEntry, string> {
  const { name, address, ssh, like, paste } = wish;
  if (name === seen.controlPlane) return fail(`${name} is the control plane, which isthmus up makes`);
  if (address !== undefined && like !== undefined)
    return fail('--address is for a physical machine, and --like for a cloud machine; give one of the two');
  if (address === undefined && ssh !== undefined)
    return fail('the SSH options are for a physical machine; give its address too, with --address');
  const wished = wishedEntry(wish, seen);
  if (!wished.ok) return wished;
  const own = entryIn(seen, name);
  const chosen = own ?? wished.value;
  if (chosen === undefined)
    return fail(
      `${seen.file} has no machine ${name}; give the address of a physical machine with --address, or name the cloud machine that it is to be like with --like`,
    );
  if (own !== undefined && wished.value !== undefined && textOf(own) !== textOf(wished.value))
    return fail(
      `${seen.file} already has ${name}, with other values; correct its entry there, then run isthmus node add ${name}`,
    );
  if (paste && chosen.list === 'cloudMachines')
    return fail(`${name} is a cloud machine, which joins by itself; leave out --print`);
  return ok({ ...chosen, isNew: own === undefined });
}

/** @shape `undefined`: the command line says nothing of it */
function wishedEntry(
  { name, address, ssh, like }: NodeWish,
  { file, cloudMachines }: EntriesSeen,
): Result<Omit<ChosenEntry, 'isNew'> | undefined, string> {
  if (address !== undefined)
    return ok({ list: 'machines', entry: { name, address, ...(ssh !== undefined && { ssh }) } });
  if (like === undefined) return ok(undefined);
  const model = cloudMachines.find((entry) => entry['name'] === like);
  if (model !== undefined) return ok({ list: 'cloudMachines', entry: { ...model, name } });
  const near = nearest(
    like,
    cloudMachines.map((entry) => String(entry['name'])),
  );
  return fail(`${file} has no cloud machine ${like}${near === undefined ? '' : `; did you mean ${near}?`}`);
}

function entryIn({ machines, cloudMachines }: EntriesSeen, name: string): Omit<ChosenEntry, 'isNew'> | undefined {
  const physical = machines.find((entry) => entry['name'] === name);
  if (physical !== undefined) return { list: 'machines', entry: physical };
  const inCloud = cloudMachines.find((entry) => entry['name'] === name);
  return inCloud === undefined ? undefined : { list: 'cloudMachines', entry: inCloud };
}

/** The same for the same values, whatever the order of their keys. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
