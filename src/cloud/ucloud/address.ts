import { type Ms, seconds, sleep } from '#unit/clock.ts';
import { byNumber, type Ip, parseIp } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { Addresses, AddressHome } from '../address.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { describeSubnet } from './network.ts';
import { listPrivateIps } from './private-ips.ts';
import { type Deadline, deadlineIn } from './wire/deadline.ts';
import { accepted, allocated, secondaryAddresses } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

/** @source UCloud API reference, AllocateBatchSecondaryIp: an entry is a /27 at the largest, that is 32 addresses */
const largestBatch = 32;
const allocateAction = 'AllocateBatchSecondaryIp';
const listAction = 'DescribeSecondaryIp';
const looksAtContradiction = 10;

/** @unit poll: pause between two looks when the cloud's lists contradict each other */
export function ucloudAddresses(wire: Wire, poll: Ms): Addresses {
  async function allocate(home: AddressHome, count: number, deadline: Deadline): Promise<CloudResult<readonly Ip[]>> {
    const answer = await wire.call(
      {
        action: allocateAction,
        effect: 'once',
        params: {
          Zone: home.zone,
          VPCId: home.vpc,
          SubnetId: home.subnet,
          ObjectId: home.object,
          Mac: home.mac,
          Count: count,
        },
        shape: allocated,
      },
      deadline,
    );
    if (!answer.ok) return answer;
    const given = answer.value.IpsInfo.filter((entry) => entry.Status.StatusCode === 'Succeeded');
    if (given.length > 0) return parseIps(given, allocateAction);
    const why = answer.value.IpsInfo.map((entry) => entry.Status.Message ?? entry.Status.StatusCode).join('; ');
    return fail(await noneGiven(home, why, deadline));
  }

  /** Each address failed for itself, with words but without a code: the subnet tells whether it is full. */
  async function noneGiven(home: AddressHome, why: string, deadline: Deadline): Promise<CloudFailure> {
    const raw = { action: allocateAction, code: 'none-given', message: why.slice(0, 300) || 'no address was given' };
    const subnet = await describeSubnet(wire, home.subnet, deadline);
    return subnet.ok && subnet.value.available === 0
      ? { kind: 'exhausted', what: 'addresses', raw }
      : { kind: 'unknown', raw };
  }

  /** A batch that is larger than what the subnet still has is refused whole: the rest is asked for once more. */
  async function allocateOrRest(
    home: AddressHome,
    count: number,
    deadline: Deadline,
  ): Promise<CloudResult<readonly Ip[]>> {
    const whole = await allocate(home, count, deadline);
    if (whole.ok || whole.failure.kind !== 'exhausted' || count === 1) return whole;
    const subnet = await describeSubnet(wire, home.subnet, deadline);
    const left = subnet.ok ? subnet.value.available : 0;
    return left > 0 && left < count ? allocate(home, left, deadline) : whole;
  }

  async function extend(home: AddressHome, count: number, deadline: Deadline): Promise<CloudResult<readonly Ip[]>> {
    const given: Ip[] = [];
    while (given.length < count) {
      const size = Math.min(largestBatch, count - given.length);
      const batch = await allocateOrRest(home, size, deadline);
      // After `unknown` the caller must list, and the list tells the earlier batches too.
      if (!batch.ok && (given.length === 0 || batch.failure.kind === 'unknown')) return batch;
      if (!batch.ok) break;
      given.push(...batch.value);
      if (batch.value.length < size) break;
    }
    return ok(given.sort(byNumber));
  }

  return {
    // UCloud product manual of UK8S: flow tables learn a fresh address within 5 to 15 s.
    settle: seconds(15),
    async extend(home, count, { within }) {
      if (!Number.isInteger(count) || count < 1)
        throw new RangeError(`count ${count} is no number of addresses, write 1 or more`);
      return extend(home, count, deadlineIn(within));
    },
    async release(home, address, { within }) {
      const answer = await wire.call(
        {
          action: 'DeleteSecondaryIp',
          effect: 'repeatable',
          params: {
            Zone: home.zone,
            VPCId: home.vpc,
            SubnetId: home.subnet,
            ObjectId: home.object,
            Mac: home.mac,
            Ip: address,
          },
          shape: accepted,
        },
        deadlineIn(within),
      );
      return answer.ok || answer.failure.kind === 'gone' ? ok() : answer;
    },
    async list(home, { within }) {
      const deadline = deadlineIn(within);
      for (let look = 1; ; look++) {
        const listed = await listOnce(wire, home, deadline);
        if (!listed.ok) return listed;
        const missing = await missingFrom(wire, home, listed.value, deadline);
        if (!missing.ok) return missing;
        if (missing.value.length === 0) return listed;
        if (look >= looksAtContradiction || deadline.left() <= poll) return fail(behind(home, missing.value));
        await sleep(poll);
      }
    },
  };
}

async function listOnce(wire: Wire, home: AddressHome, deadline: Deadline): Promise<CloudResult<readonly Ip[]>> {
  const params = { VPCId: home.vpc, SubnetId: home.subnet, Mac: home.mac };
  const answer = await wire.call({ action: listAction, effect: 'read', params, shape: secondaryAddresses }, deadline);
  if (!answer.ok) return answer;
  // It is not documented that the filter is strict, and an address of a neighbour must not be taken for ours.
  const ours = answer.value.DataSet.filter((entry) => sameMac(entry.Mac, home.mac));
  return parseIps(ours, listAction);
}

/** Addresses of the interface that the second source knows and the list lacks: a list that came short must not lose them. */
async function missingFrom(
  wire: Wire,
  home: AddressHome,
  listed: readonly Ip[],
  deadline: Deadline,
): Promise<CloudResult<readonly string[]>> {
  const known = await listPrivateIps(wire, { SubnetId: home.subnet, ObjectId: home.object }, deadline);
  if (!known.ok) return known;
  const ours = known.value.filter(({ object, isPrimary }) => object === home.object && !isPrimary);
  return ok(ours.map(({ ip }) => ip).filter((ip) => !listed.includes(ip as Ip)));
}

function behind(home: AddressHome, missing: readonly string[]): CloudFailure {
  const message = `${home.object} has ${missing.join(', ')}, which the list of its addresses lacks: the list is behind`;
  return { kind: 'unknown', raw: { action: listAction, code: 'contradiction', message } };
}

function sameMac(told: string | undefined, asked: string): boolean {
  return told === undefined || told.toLowerCase() === asked.toLowerCase();
}

function parseIps(entries: readonly { readonly Ip: string }[], action: string): CloudResult<readonly Ip[]> {
  const ips: Ip[] = [];
  for (const entry of entries) {
    const parsed = parseIp(entry.Ip);
    if (parsed === undefined)
      return fail({ kind: 'unknown', raw: { action, code: 'shape', message: `"${entry.Ip}" is no IPv4 address` } });
    ips.push(parsed);
  }
  return ok(ips.sort(byNumber));
}
