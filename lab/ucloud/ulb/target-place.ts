import * as z from 'zod';
import { type Ip, numberOf } from '#unit/ip.ts';
import { address, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { isListed } from '../uhost/state.ts';
import { isUsable } from '../vpc/choose-address.ts';
import { rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { Placed } from '../vpc/state.ts';
import type { BalancerHead, TargetRecord } from './record.ts';

/** How a call says which machine, interface or address a target is. */
export const wishedPlace = {
  ResourceType: z.enum(['UHost', 'UNI', 'UPM', 'IP']).default('UHost'),
  ResourceId: text.optional(),
  VPCId: text.optional(),
  SubnetId: text.optional(),
  ResourceIP: address.optional(),
};
type Wish = z.output<z.ZodObject<typeof wishedPlace>>;

type Place = Pick<TargetRecord, 'type' | 'resource' | 'vpc' | 'subnet' | 'ip'>;

/** @shape at: which of the targets of the call. @fails Refusal 220, 230, 8039, 63032 */
export function placeOf(wanted: Wish, at: number, { vpc }: Pick<BalancerHead, 'vpc'>, state: Placed): Place {
  const place = wanted.ResourceType === 'IP' ? placeOfAddress(wanted, at, state) : placeOfResource(wanted, at, state);
  if (place.vpc !== vpc) throw new Refusal(63032, `${place.ip} is in ${place.vpc}, the load balancer in ${vpc}`);
  return place;
}

/** Whether the machine or the interface of a target does not exist any more; an address stays a target. */
export function isGone({ type, resource }: TargetRecord, { machines, interfaces }: Placed): boolean {
  if (type === 'IP') return false;
  return type === 'UHost'
    ? !machines.some((one) => one.id === resource && isListed(one))
    : !interfaces.some(({ id }) => id === resource);
}

/** By its id a resource is a target with its primary address only. */
function placeOfResource({ ResourceType, ResourceId }: Wish, at: number, state: Placed): Place {
  if (ResourceId === undefined) throw missing(`Targets.${at}.ResourceId`);
  if (ResourceType === 'UHost') {
    const { id, vpc, subnet, ip } = machineOf(ResourceId, state);
    return { type: 'UHost', resource: id, vpc, subnet, ip };
  }
  const nic = state.interfaces.find(({ id }) => id === ResourceId);
  if (ResourceType === 'UPM' || nic === undefined)
    throw new Refusal(8039, `${ResourceType} ${ResourceId} does not exist`);
  return { type: 'UNI', resource: nic.id, vpc: nic.vpc, subnet: nic.subnet, ip: nic.ip };
}

/** Any address that somebody in the subnet could have; whether anybody has it is for the checks to find out. */
function placeOfAddress({ VPCId, SubnetId, ResourceIP }: Wish, at: number, state: Placed): Place {
  if (VPCId === undefined) throw missing(`Targets.${at}.VPCId`);
  if (SubnetId === undefined) throw missing(`Targets.${at}.SubnetId`);
  if (ResourceIP === undefined) throw missing(`Targets.${at}.ResourceIP`);
  const subnet = subnetOf(SubnetId, state);
  if (subnet.vpc !== VPCId)
    throw notValid(`Targets.${at}.SubnetId`, `${SubnetId} is in ${subnet.vpc}, not in ${VPCId}`);
  if (!isUsable(rangeOf(subnet), numberOf(ResourceIP as Ip)))
    throw notValid(`Targets.${at}.ResourceIP`, `${ResourceIP} is not a usable address of ${subnet.cidr}`);
  return { type: 'IP', resource: '', vpc: subnet.vpc, subnet: subnet.id, ip: ResourceIP };
}
