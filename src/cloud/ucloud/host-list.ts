import { fail, ok, type Result } from '#unit/result.ts';
import type { CloudFailure } from '../failure.ts';
import type { Deadline } from './wire/deadline.ts';
import { type Host, hosts } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** The largest page that DescribeUHostInstance gives. */
const pageSize = 100;

/**
 * All machines that the filter lets through, page by page, each once.
 * @source UCloud API reference, DescribeUHostInstance: Limit 20 if left out, 100 at most
 */
export async function listHosts(
  wire: Wire,
  filter: Params,
  deadline: Deadline,
): Promise<Result<readonly Host[], CloudFailure>> {
  const found = new Map<string, Host>();
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
    // By id: a machine that ends while we turn pages shifts the others, and one may be told twice.
    for (const host of page.value.UHostSet) found.set(host.UHostId, host);
    const { length } = page.value.UHostSet;
    told += length;
    const isLast = page.value.TotalCount === undefined ? length < pageSize : told >= page.value.TotalCount;
    if (length === 0 || isLast) return ok([...found.values()]);
  }
}

/**
 * The machine with this id. That it is gone is believed only when the list of all machines does not know it either.
 * @fails gone · as any read
 */
export async function findHost(wire: Wire, id: string, deadline: Deadline): Promise<Result<Host, CloudFailure>> {
  for (const filter of [{ 'UHostIds.0': id }, {}]) {
    const listed = await listHosts(wire, filter, deadline);
    if (!listed.ok) return listed;
    const host = listed.value.find((candidate) => candidate.UHostId === id);
    if (host !== undefined) return ok(host);
  }
  const message = `no machine ${id}, neither by its id nor among all machines`;
  return fail({ kind: 'gone', raw: { action: 'DescribeUHostInstance', code: 'absent', message } });
}
