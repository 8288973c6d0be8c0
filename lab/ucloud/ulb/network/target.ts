import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { newborn } from '../health.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf, targetOf } from '../lookup.ts';
import { port, weight } from '../number.ts';
import type { TargetRecord } from '../record.ts';
import { placeOf, wishedPlace } from '../target-place.ts';
import { targetForm } from './form.ts';
import { ofListener } from './named.ts';
import type { BalancerRecord } from './state.ts';

const wish = z.strictObject({
  ...wishedPlace,
  ResourceName: text.optional(),
  Port: port.optional(),
  Weight: weight.default(1),
  Enabled: flag.default(true),
  Region: text.optional(),
});
type Wish = z.output<typeof wish>;

/** @source UCloud API reference, nlb-api, RemoveNLBTargets */
const mostRemoved = 40;

/**
 * Targets of a listener. 4093: no such target; 4109: the listener has it already; 4207: too many; 8039: no such machine or interface;
 * 63032: it is in another VPC.
 * @source UCloud API reference, nlb-api
 */
export const targetActions: Readonly<Record<string, Action<UlbCloud>>> = {
  // All of them or none.
  AddNLBTargets: action({ ...ofListener, Targets: z.array(wish).min(1) }, (args, cloud) => {
    const { state, balancers } = cloud;
    const balancer = balancerOf(args.NLBId, state.balancers);
    const listener = listenerOf(args.ListenerId, balancer);
    checkQuota('network', 'targets', countTargets(balancer) + args.Targets.length);
    const made: TargetRecord[] = [];
    for (const [at, one] of args.Targets.entries()) {
      const target = newTarget(one, at, balancer, cloud);
      const twin = [...listener.targets, ...made].find(({ ip, port }) => ip === target.ip && port === target.port);
      if (twin !== undefined) throw new Refusal(4109, `${listener.id} has ${twin.ip}:${twin.port} already: ${twin.id}`);
      made.push(target);
    }
    listener.targets = [...listener.targets, ...made];
    for (const target of made) balancers.watch({ kind: 'network', balancer, listener, target });
    return { Targets: made.map((target) => targetForm(target, state)) };
  }),

  UpdateNLBTargetsAttribute: action(
    {
      ...ofListener,
      Targets: z.array(z.strictObject({ Id: text, Enabled: flag.optional(), Weight: weight.optional() })).min(1),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.NLBId, state.balancers);
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
    const balancer = balancerOf(args.NLBId, state.balancers);
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
  return {
    id: `target-${drawName(state.chance, 12)}`,
    ...placeOf(wanted, at, balancer, state),
    port: wanted.Port,
    weight: wanted.Weight,
    enabled: wanted.Enabled,
    listedAt: balancers.listedAt(),
    health: newborn,
  };
}
