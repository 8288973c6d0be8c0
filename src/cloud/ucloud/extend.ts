import { byNumber, type Ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { AddressHome } from '../address.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { homeParams, placeOf } from './home.ts';
import { describeSubnet } from './network.ts';
import { parseIps } from './parse-ips.ts';
import type { Deadline } from './wire/deadline.ts';
import { allocated } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

const action = 'AllocateBatchSecondaryIp';
/** @source UCloud API reference, AllocateBatchSecondaryIp: an entry is a /27 at the largest, that is 32 addresses */
const largestBatch = 32;

/** Batch after batch, until all are given or one comes short. */
export async function extendAddresses(
  wire: Wire,
  home: AddressHome,
  count: number,
  deadline: Deadline,
): Promise<CloudResult<readonly Ip[]>> {
  if (!Number.isInteger(count) || count < 1)
    throw new RangeError(`count ${count} is no number of addresses, write 1 or more`);
  const given: Ip[] = [];
  while (given.length < count) {
    const size = Math.min(largestBatch, count - given.length);
    const batch = await allocateOrRest(wire, home, size, deadline);
    // After `unknown` the caller must list, and the list tells the earlier batches too.
    if (!batch.ok && (given.length === 0 || batch.failure.kind === 'unknown')) return batch;
    if (!batch.ok) break;
    given.push(...batch.value);
    if (batch.value.length < size) break;
  }
  return ok(given.sort(byNumber));
}

/** A batch that is larger than what the subnet still has is refused whole: the rest is asked for once more. */
async function allocateOrRest(
  wire: Wire,
  home: AddressHome,
  count: number,
  deadline: Deadline,
): Promise<CloudResult<readonly Ip[]>> {
  const whole = await allocate(wire, home, count, deadline);
  if (whole.ok || whole.failure.kind !== 'exhausted' || count === 1) return whole;
  const subnet = await describeSubnet(wire, placeOf(home).subnet, deadline);
  const left = subnet.ok ? subnet.value.available : 0;
  return left > 0 && left < count ? allocate(wire, home, left, deadline) : whole;
}

/** Those of the batch that were given, perhaps not all. */
async function allocate(
  wire: Wire,
  home: AddressHome,
  count: number,
  deadline: Deadline,
): Promise<CloudResult<readonly Ip[]>> {
  const params = { ...homeParams(home), Count: count };
  const answer = await wire.call({ action, effect: 'once', params, shape: allocated }, deadline);
  if (!answer.ok) return answer;
  const entries = answer.value.IpsInfo;
  const given = entries.filter(({ Status }) => Status.StatusCode === 'Succeeded');
  if (given.length > 0) return parseIps(given, action);
  const why = entries.map(({ Status }) => Status.Message ?? Status.StatusCode).join('; ');
  return fail(await noneGiven(wire, home, why, deadline));
}

/** Each address failed for itself, with words but without a code: the subnet tells whether it is full. */
async function noneGiven(wire: Wire, home: AddressHome, why: string, deadline: Deadline): Promise<CloudFailure> {
  const raw = { action, code: 'none-given', message: why.slice(0, 300) || 'no address was given' };
  const subnet = await describeSubnet(wire, placeOf(home).subnet, deadline);
  return subnet.ok && subnet.value.available === 0
    ? { kind: 'exhausted', what: 'addresses', raw }
    : { kind: 'unknown', raw };
}
