import { ok } from '#unit/result.ts';
import type { CloudResult } from '../failure.ts';
import type { Deadline } from './wire/deadline.ts';
import { privateIps } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';
import type { Wire } from './wire/transport.ts';

/** One private address, and who has it. */
export interface PrivateIp {
  readonly ip: string;
  readonly isPrimary: boolean;
  /** The machine's id, or the interface's on machines with elastic interfaces. */
  readonly object: string;
  /** The machine's name. */
  readonly name: string | undefined;
}

const pageSize = 100;

/**
 * The private addresses of the project, of a subnet or of one object: the second source beside DescribeUHostInstance and
 * DescribeSecondaryIp. Where they disagree the cloud is asked again, so that a list that comes empty or late is found out.
 * @source UCloud API reference, unet DescribePrivateIP: primary and secondary addresses with their resource; Limit 0 is refused
 */
export async function listPrivateIps(
  wire: Wire,
  filter: Params,
  deadline: Deadline,
): Promise<CloudResult<readonly PrivateIp[]>> {
  const found: PrivateIp[] = [];
  for (;;) {
    const params = { ...filter, Offset: found.length, Limit: pageSize };
    const page = await wire.call({ action: 'DescribePrivateIP', effect: 'read', params, shape: privateIps }, deadline);
    if (!page.ok) return page.failure.kind === 'gone' ? ok([]) : page;
    const { TotalCount: total = 0, DataSet: entries } = page.value;
    for (const { PrivateIP, PrivateIPType, ResourceID, ResourceName } of entries)
      found.push({ ip: PrivateIP, isPrimary: PrivateIPType === 'PrimaryIP', object: ResourceID, name: ResourceName });
    if (entries.length === 0 || found.length >= total) return ok(found);
  }
}
