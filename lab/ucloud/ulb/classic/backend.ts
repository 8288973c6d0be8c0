import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, text } from '../../gateway/declare.ts';
import { notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { newborn } from '../health.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import { between, port, weight } from '../number.ts';
import type { UlbState } from '../state.ts';
import { placeOf } from '../target-place.ts';
import { bit, ofBalancer, ofListener } from './named.ts';
import type { BackendRecord, ClassicBalancerRecord } from './state.ts';

const change = {
  BackendId: text,
  Port: port.optional(),
  /** @source accepted in UCloud's own regression tests, though the page says 1 to 100 */
  Weight: between(0, 100, 'a weight').optional(),
  Enabled: bit.optional(),
  IsBackup: bit.refine((on) => !on, 'back ends in reserve are for RequestProxy only').optional(),
};
type Change = z.output<z.ZodObject<typeof change>>;

/**
 * Back ends of a listener. 4093: no such back end; 4109: the listener has it already; 4118: its port is not the listener's; 4207: too many;
 * 8039: no such machine or interface; 63032: it is in another VPC.
 * @source UCloud API reference, ulb-api
 */
export const backendActions: Readonly<Record<string, Action<UlbCloud>>> = {
  AllocateBackend: action(
    {
      ...ofListener,
      ResourceType: z.enum(['UHost', 'UNI', 'UPM'], 'packets are forwarded to UHost, UNI and UPM only'),
      ResourceId: text,
      Port: port.default(80),
      Weight: weight.default(1),
      Enabled: bit.default(true),
      IsBackup: change.IsBackup,
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.ULBId, state.classicBalancers);
      const listener = listenerOf(args.VServerId, balancer);
      checkPort(args.Port, listener.port);
      checkQuota('classic', 'targets', backendsOf(balancer).length + 1);
      const wanted = { ResourceType: args.ResourceType, ResourceId: args.ResourceId };
      const target: BackendRecord = {
        id: `backend-${drawName(state.chance, 12)}`,
        ...placeOf({ ...wanted, VPCId: undefined, SubnetId: undefined, ResourceIP: undefined }, 0, balancer, state),
        port: args.Port,
        weight: args.Weight,
        enabled: args.Enabled,
        listedAt: balancers.listedAt(),
        health: newborn,
        number: freeNumber(state),
      };
      const twin = listener.targets.find(({ ip }) => ip === target.ip);
      if (twin !== undefined) throw new Refusal(4109, `${listener.id} has ${twin.ip} already: ${twin.id}`);
      listener.targets = [...listener.targets, target];
      balancers.changed(balancer.id);
      balancers.watch({ kind: 'classic', balancer, listener, target });
      return { BackendId: target.id };
    },
  ),

  UpdateBackendAttribute: action({ ...ofBalancer, ...change }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.ULBId, state.classicBalancers);
    update(args, balancer);
    balancers.changed(balancer.id);
    return {};
  }),

  // Each succeeds or fails alone.
  UpdateBackendBatch: action(
    { ...ofBalancer, Attributes: z.array(z.strictObject(change)).min(1) },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.ULBId, state.classicBalancers);
      const BackendSet = args.Attributes.map((one) => {
        try {
          update(one, balancer);
          return { BackendId: one.BackendId, SubRetCode: 0, SubMessage: '' };
        } catch (e) {
          if (e instanceof Refusal) return { BackendId: one.BackendId, SubRetCode: e.code, SubMessage: e.message };
          throw e;
        }
      });
      balancers.changed(balancer.id);
      return { BackendSet };
    },
  ),

  ReleaseBackend: action({ ...ofBalancer, BackendId: text }, (args, { state, balancers }) => {
    const balancer = balancerOf(args.ULBId, state.classicBalancers);
    const { listener, target } = backendOf(args.BackendId, balancer);
    listener.targets = listener.targets.filter((one) => one !== target);
    balancers.changed(balancer.id);
    return {};
  }),
};

function backendsOf(balancer: ClassicBalancerRecord) {
  return balancer.listeners.flatMap((listener) => listener.targets.map((target) => ({ listener, target })));
}

/** @fails Refusal 4093 */
function backendOf(id: string, balancer: ClassicBalancerRecord) {
  const found = backendsOf(balancer).find(({ target }) => target.id === id);
  if (found === undefined) throw new Refusal(4093, `load balancer ${balancer.id} has no back end ${id}`);
  return found;
}

function update({ BackendId, Port, Weight, Enabled }: Change, balancer: ClassicBalancerRecord): void {
  const { listener, target } = backendOf(BackendId, balancer);
  if (Port !== undefined) checkPort(Port, listener.port);
  if (Weight === 0 && listener.method === 'WeightRoundrobin')
    throw notValid('Weight', 'a weight of 0 is not simulated where weights count; switch the back end off');
  target.weight = Weight ?? target.weight;
  target.enabled = Enabled ?? target.enabled;
}

/** @fails Refusal 4118 */
function checkPort(wanted: number, listening: number): void {
  if (wanted !== listening)
    throw new Refusal(4118, `the port is ${wanted}; packets keep the port of the listener, ${listening}`);
}

function freeNumber({ classicBalancers }: UlbState): number {
  const taken = new Set(classicBalancers.flatMap(backendsOf).map(({ target }) => target.number));
  for (let number = 0; ; number++) if (!taken.has(number)) return number;
}
