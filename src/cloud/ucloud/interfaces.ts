import { ok } from '#unit/result.ts';
import type { CloudMachine } from '../compute.ts';
import type { CloudResult } from '../failure.ts';
import { type ListsAt, listPages, pagesOf } from './list-pages.ts';
import type { Deadline } from './wire/deadline.ts';
import { networkInterfaces } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

interface ElasticInterface {
  readonly id: string;
  /** The machine that it is in. */
  readonly machine: string | undefined;
  /** Private addresses that it may have, its own among them. */
  readonly quota: number | undefined;
}

export function isInterface(id: string): boolean {
  return id.startsWith('uni-');
}

/**
 * By the interface's id, the machine that it was made with: of a machine with elastic interfaces the lists of addresses name the
 * interface alone.
 * @fails as any read
 */
export async function holdersOfInterfaces(
  at: ListsAt,
  deadline: Deadline,
): Promise<CloudResult<ReadonlyMap<string, string>>> {
  const listed = await listInterfaces(at, { OnlyDefault: 'true' }, deadline);
  if (!listed.ok) return listed;
  return ok(
    new Map(listed.value.flatMap(({ id, machine }) => (machine === undefined ? [] : [[id, machine] as const]))),
  );
}

/**
 * The machine with what its elastic interfaces take. That is of use and not needed: where it can't be read, the refusal of an
 * address tells.
 * @source UCloud API reference, DescribeNetworkInterface (PrivateIpLimit)
 */
export async function withMost(at: ListsAt, machine: CloudMachine, deadline: Deadline): Promise<CloudMachine> {
  const elastic = machine.homes.filter(({ home }) => home.id !== machine.id);
  if (elastic.length === 0) return machine;
  const filter = Object.fromEntries(elastic.map(({ home }, index) => [`InterfaceId.${index}`, home.id]));
  const listed = await listInterfaces(at, filter, deadline);
  const quotas = new Map(listed.ok ? listed.value.map(({ id, quota }) => [id, quota]) : []);
  const mostOf = (id: string): number | undefined => {
    const quota = quotas.get(id);
    return quota === undefined ? undefined : quota - 1;
  };
  return { ...machine, homes: machine.homes.map((one) => ({ ...one, most: mostOf(one.home.id) })) };
}

async function listInterfaces(
  at: ListsAt,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly ElasticInterface[]>> {
  const listed = await listPages(
    at,
    {
      action: 'DescribeNetworkInterface',
      params: filter,
      shape: pagesOf(networkInterfaces, ({ NetworkInterfaceSet }) => NetworkInterfaceSet),
      idOf: ({ InterfaceId }) => InterfaceId,
    },
    deadline,
  );
  if (!listed.ok) return listed;
  return ok(
    listed.value.map(({ InterfaceId, AttachInstanceId, PrivateIpLimit }) => ({
      id: InterfaceId,
      machine: AttachInstanceId,
      quota: PrivateIpLimit?.PrivateIpQuota,
    })),
  );
}
