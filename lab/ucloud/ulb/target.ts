import * as z from 'zod';
import { type Ip, numberOf } from '#unit/ip.ts';
import { drawName } from '../engine/random.ts';
import { type Action, address, flag, integer, text } from '../gateway/declare.ts';
import { missing, notValid, Refusal } from '../gateway/refusal.ts';
import { machineOf } from '../uhost/lookup.ts';
import { isUsable } from '../vpc/choose-address.ts';
import { rangeOf, subnetOf } from '../vpc/lookup.ts';
import { action, type UlbCloud, type UlbSeen } from './cloud.ts';
import { targetForm } from './form.ts';
import { newborn } from './health.ts';
import { checkQuota, mostRemoved } from './limits.ts';
import { balancerOf, listenerOf, targetOf } from './lookup.ts';
import { named } from './network-balancer.ts';
import type { BalancerRecord, TargetRecord } from './state.ts';

const weight = integer.pipe(z.number().min(1, 'a weight from 1 to 100').max(100, 'a weight from 1 to 100'));
const wish = z.strictObject({
  ResourceType: z.enum(['UHost', 'UNI', 'UPM', 'IP']).default('UHost'),
  ResourceId: text.optional(),
  ResourceName: text.optional(),
  VPCId: text.optional(),
  SubnetId: text.optional(),
  ResourceIP: address.optional(),
  Port: integer.pipe(z.number().min(1, 'a port from 1 to 65535').max(65_535, 'a port from 1 to 65535')).optional(),
  Weight: weight.default(1),
  Enabled: flag.default(true),
  Region: text.optional(),
});
type Wish = z.output<typeof wish>;

const ofListener = { ...named, ListenerId: text };

/**
 * Targets of a listener. 4093: no such target; 4109: the listener has it already; 4207: too many; 8039: no such machine or interface;
 * 63032: it is in another VPC.
 * @source UCloud API reference, nlb-api
 */
export const targetActions: Readonly<Record<string, Action<UlbCloud>>> = {
  // All of them or none.
  AddNLBTargets: action({ ...ofListener, Targets: z.array(wish).min(1) }, (args, cloud) => {
    const { state, balancers } = cloud;
    const balancer = balancerOf(args.NLBId, state);
    const listener = listenerOf(args.ListenerId, balancer);
    checkQuota('targets', countTargets(balancer) + args.Targets.length);
    const made: TargetRecord[] = [];
    for (const [at, one] of args.Targets.entries()) {
      const target = newTarget(one, at, balancer, cloud);
      const twin = [...listener.targets, ...made].find(({ ip, port }) => ip === target.ip && port === target.port);
      if (twin !== undefined) throw new Refusal(4109, `${listener.id} has ${twin.ip}:${twin.port} already: ${twin.id}`);
      made.push(target);
    }
    listener.targets = [...listener.targets, ...made];
    for (const target of made) balancers.watch({ balancer, listener, target });
    return { Targets: made.map((target) => targetForm(target, state)) };
  }),

  UpdateNLBTargetsAttribute: action(
    {
      ...ofListener,
      Targets: z.array(z.strictObject({ Id: text, Enabled: flag.optional(), Weight: weight.optional() })).min(1),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.NLBId, state);
      const listener = listenerOf(args.ListenerId, balancer);
      const changes = args.Targets.map((change) => ({ ...change, target: targetOf(change.Id, listener) }));
      for (const { target, Enabled, Weight } of changes) {
        target.enabled = Enabled ?? target.enabled;
        target.weight = Weight ?? target.weight;
      }
      balancers.changed(balancer.id);
      return {};
    },
  ),

  RemoveNLBTargets: action({ ...ofListener, Ids: z.array(text).min(1) }, (args, { state, balancers }) => {
    if (args.Ids.length > mostRemoved)
      throw notValid('Ids', `${args.Ids.length} targets, at most ${mostRemoved} are removed by one call`);
    const balancer = balancerOf(args.NLBId, state);
    const listener = listenerOf(args.ListenerId, balancer);
    const leaving = new Set(args.Ids.map((id) => targetOf(id, listener)));
    listener.targets = listener.targets.filter((one) => !leaving.has(one));
    balancers.changed(balancer.id);
    return {};
  }),
};

function countTargets({ listeners }: BalancerRecord): number {
  return listeners.reduce((sum, { targets }) => sum + targets.length, 0);
}

function newTarget(wanted: Wish, at: number, balancer: BalancerRecord, { state, account, balancers }: UlbCloud) {
  if (wanted.Port === undefined) throw missing(`Targets.${at}.Port`);
  if (wanted.Region !== undefined && wanted.Region !== account.region)
    throw notValid(`Targets.${at}.Region`, 'targets in other regions are not simulated');
  const place = wanted.ResourceType === 'IP' ? placeOfAddress(wanted, at, state) : placeOfResource(wanted, at, state);
  if (place.vpc !== balancer.vpc)
    throw new Refusal(63032, `${place.ip} is in ${place.vpc}, the load balancer in ${balancer.vpc}`);
  return {
    id: `target-${drawName(state.chance, 12)}`,
    ...place,
    port: wanted.Port,
    weight: wanted.Weight,
    enabled: wanted.Enabled,
    listedAt: balancers.listedAt(),
    health: newborn,
  };
}

type Place = Pick<TargetRecord, 'type' | 'resource' | 'vpc' | 'subnet' | 'ip'>;

/** By its id a resource is a target with its primary address only. */
function placeOfResource({ ResourceType, ResourceId }: Wish, at: number, state: UlbSeen): Place {
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
function placeOfAddress({ VPCId, SubnetId, ResourceIP }: Wish, at: number, state: UlbSeen): Place {
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
