import { type Ms, sleep } from '#unit/clock.ts';
import { byNumber, type Ip } from '#unit/ip.ts';
import { fail, ok } from '#unit/result.ts';
import type { AddressHome } from '../address.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { placeOf } from './home.ts';
import { parseIps } from './parse-ips.ts';
import { listPrivateIps } from './private-ips.ts';
import type { Deadline } from './wire/deadline.ts';
import { secondaryAddresses } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

const action = 'DescribeSecondaryIp';
const looksAtContradiction = 10;

/**
 * The further addresses of an interface, once both sources agree: a list that came short must not lose any, and one that came
 * late must not hand out what was released.
 * @fails unknown: the list lacks addresses that the second source knows, however often it is asked · as any read
 */
export async function listAddresses(
  wire: Wire,
  poll: Ms,
  home: AddressHome,
  deadline: Deadline,
): Promise<CloudResult<readonly Ip[]>> {
  for (let look = 1; ; look++) {
    const listed = await listOnce(wire, home, deadline);
    if (!listed.ok) return listed;
    const known = await listKnown(wire, home, deadline);
    if (!known.ok) return known;
    const missing = known.value.filter((ip) => !listed.value.includes(ip as Ip));
    const agreed = missing.length === 0 && known.value.length === listed.value.length;
    if (agreed) return listed;
    if (look >= looksAtContradiction || deadline.left() <= poll)
      // What only the list knows is believed in the end: it is the first source, and the second may not know it yet.
      return missing.length === 0 ? listed : fail(behind(home, missing));
    await sleep(poll);
  }
}

async function listOnce(wire: Wire, home: AddressHome, deadline: Deadline): Promise<CloudResult<readonly Ip[]>> {
  const { vpc, subnet, mac } = placeOf(home);
  const params = { VPCId: vpc, SubnetId: subnet, Mac: mac };
  const answer = await wire.call({ action, effect: 'read', params, shape: secondaryAddresses }, deadline);
  if (!answer.ok) return answer;
  // It is not documented that the filter is strict, and an address of a neighbour must not be taken for ours.
  const ours = parseIps(
    answer.value.DataSet.filter((entry) => sameMac(entry.Mac, mac)),
    action,
  );
  return ours.ok ? ok(ours.value.toSorted(byNumber)) : ours;
}

/** What the second source knows. */
async function listKnown(wire: Wire, home: AddressHome, deadline: Deadline): Promise<CloudResult<readonly string[]>> {
  const { subnet, object: own } = placeOf(home);
  const known = await listPrivateIps(wire, { SubnetId: subnet, ObjectId: own }, deadline);
  if (!known.ok) return known;
  const ours = known.value.filter(({ object, isPrimary }) => object === own && !isPrimary);
  return ok(ours.map(({ ip }) => ip));
}

function behind(home: AddressHome, missing: readonly string[]): CloudFailure {
  const message = `${home.id} has ${missing.join(', ')}, which the list of its addresses lacks: the list is behind`;
  return { kind: 'unknown', raw: { action, code: 'contradiction', message } };
}

function sameMac(told: string | undefined, asked: string): boolean {
  return told === undefined || told.toLowerCase() === asked.toLowerCase();
}
