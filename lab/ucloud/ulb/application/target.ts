import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, text } from '../../gateway/declare.ts';
import { Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { newborn } from '../health.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf, targetOf } from '../lookup.ts';
import { port, weight } from '../number.ts';
import { placeOf, wishedPlace } from '../target-place.ts';
import { targetForm } from './form.ts';
import { ofListener } from './named.ts';
import type {
  ApplicationBalancerRecord,
  ApplicationListenerRecord,
  ApplicationTargetRecord,
  RuleRecord,
} from './state.ts';

const mostAtOnce = 20;
const atOnce = `at most ${mostAtOnce} targets by one call`;

const wish = z.strictObject({
  ...wishedPlace,
  Port: port.default(80),
  Weight: weight.default(1),
  Enabled: flag.default(true),
  IsBackup: flag.default(false),
});
const change = z.strictObject({
  Id: text,
  Weight: weight.optional(),
  Enabled: flag.optional(),
  IsBackup: flag.optional(),
});

/**
 * Targets of a listener. 4093: no such target; 4109: the listener has it already; 4110: a rule forwards to it; 4207: too many; 8039: no
 * such machine or interface; 63032: it is in another VPC.
 * @source UCloud API reference, ulb-api; codes of the older balancers
 */
export const applicationTargetActions: Readonly<Record<string, Action<UlbCloud>>> = {
  // All of them or none.
  AddTargets: action({ ...ofListener, Targets: z.array(wish).min(1).max(mostAtOnce, atOnce) }, (args, cloud) => {
    const { state, balancers } = cloud;
    const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
    const listener = listenerOf(args.ListenerId, balancer);
    checkQuota('application', 'targets', countTargets(balancer) + args.Targets.length);
    if (listener.scheduler === 'Backup' && listener.targets.length + args.Targets.length > 2)
      throw new Refusal(4207, `${listener.id} has a main target and a backup, and no third one`);
    const made: ApplicationTargetRecord[] = [];
    for (const [at, wanted] of args.Targets.entries()) {
      const target: ApplicationTargetRecord = {
        id: `ars-${drawName(state.chance, 12)}`,
        ...placeOf(wanted, at, balancer, state),
        port: wanted.Port,
        weight: wanted.Weight,
        enabled: wanted.Enabled,
        isBackup: wanted.IsBackup,
        listedAt: balancers.listedAt(),
        health: newborn,
      };
      const twin = [...listener.targets, ...made].find((one) => one.ip === target.ip && one.port === target.port);
      if (twin !== undefined) throw new Refusal(4109, `${listener.id} has ${twin.ip}:${twin.port} already: ${twin.id}`);
      made.push(target);
    }
    listener.targets = [...listener.targets, ...made];
    for (const target of made) balancers.watch({ kind: 'application', balancer, listener, target });
    return { Targets: made.map(targetForm) };
  }),

  UpdateTargetsAttribute: action(
    { ...ofListener, Targets: z.array(change).min(1).max(mostAtOnce, atOnce) },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      const listener = listenerOf(args.ListenerId, balancer);
      const changes = args.Targets.map((one) => ({ ...one, target: targetOf(one.Id, listener) }));
      for (const { target, Weight, Enabled, IsBackup } of changes) {
        target.weight = Weight ?? target.weight;
        target.enabled = Enabled ?? target.enabled;
        target.isBackup = IsBackup ?? target.isBackup;
      }
      balancers.changed(balancer.id);
      return {};
    },
  ),

  RemoveTargets: action(
    { ...ofListener, Ids: z.array(text).min(1).max(mostAtOnce, atOnce) },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.LoadBalancerId, state.applicationBalancers);
      const listener = listenerOf(args.ListenerId, balancer);
      const leaving = new Set(args.Ids.map((id) => targetOf(id, listener)));
      for (const { id } of leaving) checkUnused(id, listener);
      listener.targets = listener.targets.filter((one) => !leaving.has(one));
      balancers.changed(balancer.id);
      return {};
    },
  ),
};

function countTargets({ listeners }: ApplicationBalancerRecord): number {
  return listeners.reduce((sum, { targets }) => sum + targets.length, 0);
}

/** @fails Refusal 4110 */
function checkUnused(id: string, { rules }: ApplicationListenerRecord): void {
  const user = rules.find((rule) => forwardsTo(rule, id));
  if (user !== undefined) throw new Refusal(4110, `rule ${user.id} forwards to ${id}`);
}

function forwardsTo({ actions }: RuleRecord, id: string): boolean {
  return actions.some(
    (one) => one.type === 'Forward' && one.targets !== 'all' && one.targets.some((target) => target.id === id),
  );
}
