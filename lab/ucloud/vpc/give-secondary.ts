import { type Cidr, type Ip, ipOf, numberOf, parseCidr, sizeOf } from '#unit/ip.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import { chooseAddresses, isUsable } from './choose-address.ts';
import type { VpcCloud } from './cloud.ts';
import { quotaLeft } from './limits.ts';
import { rangeOf, takenIn } from './lookup.ts';
import { addressQuota, type Nic, secondaryOf } from './nic.ts';
import type { SubnetRecord } from './state.ts';

/** A batch entry is one address or a block of this size at the largest. */
const largestBlock = 27;

/** What became of one address of a batch; `ip` is empty where none was left. */
export type Outcome = { readonly ip: string; readonly failed?: string };

/** As many as there are; the rest fail one by one. @fails Refusal when there is none at all */
export function giveAny(count: number, nic: Nic, subnet: SubnetRecord, cloud: VpcCloud): Outcome[] {
  const room = roomFor(nic, cloud);
  if (room.count < 1) throw room.full;
  const chosen = chooseAddresses(rangeOf(subnet), takenIn(subnet.id, cloud.state), Math.min(count, room.count));
  if (chosen.length === 0) throw subnetFull(subnet);
  for (const ip of chosen) cloud.addresses.give(ip, subnet.id, nic.port);
  const short = (chosen.length === room.count ? room.full : subnetFull(subnet)).message;
  return [
    ...chosen.map((ip) => ({ ip })),
    ...Array.from({ length: count - chosen.length }, () => ({ ip: '', failed: short })),
  ];
}

/** Each address for itself. */
export function giveThese(ips: readonly string[], nic: Nic, subnet: SubnetRecord, cloud: VpcCloud): Outcome[] {
  return ips.map((ip) => {
    const room = roomFor(nic, cloud);
    if (room.count < 1) return { ip, failed: room.full.message };
    const failed = whyNot(ip, subnet, takenIn(subnet.id, cloud.state));
    if (failed !== undefined) return { ip, failed };
    cloud.addresses.give(ip, subnet.id, nic.port);
    return { ip };
  });
}

/** How many more addresses the interface may be given, and what refuses the one after them. */
export function roomFor(nic: Nic, cloud: VpcCloud): { readonly count: number; readonly full: Refusal } {
  const [onInterface, inAccount] = [roomOn(nic, cloud), quotaLeft('addresses', cloud.state)];
  if (onInterface <= inAccount) return { count: onInterface, full: interfaceFull(nic) };
  const quota = `the account has as many secondary addresses as its quota of ${cloud.state.limits.addresses} allows`;
  return { count: inAccount, full: new Refusal(4207, quota) };
}

/** How many more secondary addresses the interface itself has room for. */
export function roomOn(nic: Nic, { state, bounds }: VpcCloud): number {
  return addressQuota(nic, bounds) - 1 - secondaryOf(nic, state).length;
}

export function interfaceFull({ object }: Nic): Refusal {
  return new Refusal(4207, `${object} has as many private addresses as its quota allows`);
}

export function subnetFull(subnet: SubnetRecord): Refusal {
  return new Refusal(57000, `no free address left in ${subnet.id} (${subnet.cidr})`);
}

/** Why this very address can't be given; `undefined` if it can. */
export function whyNot(ip: string, subnet: SubnetRecord, taken: ReadonlySet<string>): string | undefined {
  if (!isUsable(rangeOf(subnet), numberOf(ip as Ip))) return `${ip} is not a usable address of ${subnet.cidr}`;
  return taken.has(ip) ? `${ip} is in use` : undefined;
}

/** Addresses and blocks of a batch, one by one. @fails Refusal 230 */
export function readBlocks(entries: readonly string[]): string[] {
  return entries.flatMap((entry, at) => {
    const block = parseCidr(entry.includes('/') ? entry : `${entry}/32`);
    if (block === undefined) throw notValid(`Ip.${at}`, `"${entry}" is neither an address nor a range`);
    if (block.bits < largestBlock) throw notValid(`Ip.${at}`, `${entry} is larger than a /${largestBlock}`);
    return addressesOf(block);
  });
}

function addressesOf(block: Cidr): string[] {
  return Array.from({ length: sizeOf(block) }, (_, at) => ipOf(block.first + at));
}
