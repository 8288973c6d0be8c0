import * as z from 'zod';
import { drawName } from '../../engine/random.ts';
import { type Action, flag, integer, page, pageOf, text } from '../../gateway/declare.ts';
import { missing, notValid, Refusal } from '../../gateway/refusal.ts';
import { action, type UlbCloud } from '../cloud.ts';
import { listed } from '../form.ts';
import { checkQuota } from '../limits.ts';
import { balancerOf, listenerOf } from '../lookup.ts';
import { name, remark } from '../name.ts';
import { port } from '../number.ts';
import { listenerForm } from './form.ts';
import { ofBalancer, ofListener } from './named.ts';
import type { BalancerRecord, CheckRecord, ListenerRecord } from './state.ts';

const scheduler = z.enum(['RoundRobin', 'SourceHash', 'LeastConn', 'WeightLeastConn', 'WeightRoundRobin']);
const stickiness = integer.refine((s) => s === 0 || (s >= 60 && s <= 900), 'write 0, or 60 to 900 seconds');
const forwardSource = z.enum(
  ['None', 'ProxyProto'],
  'write None or ProxyProto; Toa is not simulated: no kernel here reads what it adds',
);
const check = z.strictObject({
  Enabled: flag.refine((on) => on, 'checks can not be switched off').default(true),
  Port: integer.optional(),
  Type: z
    .enum(['Port', 'UDP', 'Ping'], 'write Port, UDP or Ping; the form of an HTTP check is not published')
    .optional(),
  ReqMsg: text.optional(),
  ResMsg: text.optional(),
});

/**
 * Listeners of network load balancers. 4088: no such listener; 4107: its ports are in use by another one; 4207: too many.
 * @source UCloud API reference, nlb-api
 */
export const listenerActions: Readonly<Record<string, Action<UlbCloud>>> = {
  CreateNLBListener: action(
    {
      ...ofBalancer,
      Protocol: z.enum(['TCP', 'UDP']),
      StartPort: port.default(1),
      EndPort: port.default(65_535),
      Scheduler: scheduler.default('RoundRobin'),
      StickinessTimeout: stickiness.default(60),
      ForwardSrcIPMethod: forwardSource.default('None'),
      HealthCheckConfig: check,
      Name: name.default('listener'),
      Remark: remark.default(''),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.NLBId, state.balancers);
      checkQuota('network', 'listeners', balancer.listeners.length + 1);
      const listener: ListenerRecord = {
        id: `listener-${drawName(state.chance, 12)}`,
        name: args.Name,
        remark: args.Remark,
        protocol: args.Protocol,
        startPort: args.StartPort,
        endPort: args.EndPort,
        scheduler: args.Scheduler,
        stickiness: args.StickinessTimeout,
        forwardSource: args.ForwardSrcIPMethod,
        check: readCheck(args.HealthCheckConfig, args.Protocol),
        listedAt: balancers.listedAt(),
        targets: [],
      };
      checkPorts(listener, balancer);
      checkKind(listener);
      balancer.listeners = [...balancer.listeners, listener];
      balancers.changed(balancer.id);
      return { ListenerId: listener.id };
    },
  ),

  DescribeNLBListeners: action({ ...ofBalancer, ...page(100), ListenerId: text.optional() }, (args, { state, now }) => {
    const at = now();
    const found = listed(balancerOf(args.NLBId, state.balancers).listeners, at).filter(
      ({ id }) => args.ListenerId === undefined || id === args.ListenerId,
    );
    const { TotalCount, shown } = pageOf(found, args);
    return { TotalCount, Listeners: shown.map((one) => listenerForm(one, state, at)) };
  }),

  UpdateNLBListenerAttribute: action(
    {
      ...ofListener,
      Name: name.optional(),
      Remark: remark.optional(),
      StartPort: port.optional(),
      EndPort: port.optional(),
      Scheduler: scheduler.optional(),
      StickinessTimeout: stickiness.optional(),
      ForwardSrcIPMethod: forwardSource.optional(),
      HealthCheckConfig: check.optional(),
    },
    (args, { state, balancers }) => {
      const balancer = balancerOf(args.NLBId, state.balancers);
      const listener = listenerOf(args.ListenerId, balancer);
      const ports = { startPort: args.StartPort ?? listener.startPort, endPort: args.EndPort ?? listener.endPort };
      const isMoved = ports.startPort !== listener.startPort || ports.endPort !== listener.endPort;
      if (isMoved && !hasAllPorts(listener))
        throw notValid(
          'StartPort',
          `only the ports of a listener for all ports can be changed, ${listener.id} has some`,
        );
      const check = args.HealthCheckConfig && readCheck(args.HealthCheckConfig, listener.protocol, listener.check);
      const wanted: ListenerRecord = {
        ...listener,
        ...ports,
        name: args.Name ?? listener.name,
        remark: args.Remark ?? listener.remark,
        scheduler: args.Scheduler ?? listener.scheduler,
        stickiness: args.StickinessTimeout ?? listener.stickiness,
        forwardSource: args.ForwardSrcIPMethod ?? listener.forwardSource,
        check: check ?? listener.check,
      };
      checkPorts(wanted, balancer);
      checkKind(wanted);
      Object.assign(listener, wanted);
      balancers.changed(balancer.id);
      return {};
    },
  ),

  DeleteNLBListener: action(ofListener, (args, { state, balancers }) => {
    const balancer = balancerOf(args.NLBId, state.balancers);
    const listener = listenerOf(args.ListenerId, balancer);
    balancer.listeners = balancer.listeners.filter((one) => one !== listener);
    balancers.changed(balancer.id);
    return {};
  }),
};

function hasAllPorts({ startPort, endPort }: ListenerRecord): boolean {
  return startPort === 1 && endPort === 65_535;
}

/** @fails Refusal 230 for what is not simulated */
function checkKind({ protocol, startPort, endPort, scheduler: by, forwardSource: how }: ListenerRecord): void {
  const [name, kind] = how === 'ProxyProto' ? ['ForwardSrcIPMethod', how] : ['Scheduler', by];
  if (kind !== 'ProxyProto' && kind !== 'LeastConn' && kind !== 'WeightLeastConn') return;
  if (protocol !== 'TCP') throw notValid(name, `${kind} is simulated for TCP only`);
  if (startPort !== endPort) throw notValid(name, `${kind} is simulated for listeners of one port only`);
}

/** @fails Refusal 230, 4107 */
function checkPorts(wanted: ListenerRecord, { listeners }: BalancerRecord): void {
  if (wanted.endPort < wanted.startPort)
    throw notValid('EndPort', `${wanted.endPort} is below StartPort ${wanted.startPort}`);
  const clash = listeners.find(
    (one) =>
      one.id !== wanted.id &&
      one.protocol === wanted.protocol &&
      one.startPort <= wanted.endPort &&
      wanted.startPort <= one.endPort,
  );
  if (clash !== undefined)
    throw new Refusal(4107, `${clash.id} has ${clash.protocol} ports ${clash.startPort} to ${clash.endPort}`);
}

/** What is left out stays as it was. @fails Refusal 220, 230 */
function readCheck(
  { Type, Port, ReqMsg, ResMsg }: z.output<typeof check>,
  protocol: ListenerRecord['protocol'],
  before: CheckRecord = { type: 'Port', port: 0, request: '', response: '' },
): CheckRecord {
  const wanted = {
    type: Type ?? before.type,
    port: Port ?? before.port,
    request: ReqMsg ?? before.request,
    response: ResMsg ?? before.response,
  };
  if (wanted.type !== 'Port' && protocol !== 'UDP')
    throw notValid('HealthCheckConfig.Type', `${wanted.type} is for UDP listeners only`);
  if (wanted.type !== 'UDP' && (ReqMsg !== undefined || ResMsg !== undefined))
    throw notValid('HealthCheckConfig.ReqMsg', 'only a check of type UDP sends a text');
  const least = wanted.type === 'Ping' ? 0 : 1;
  if (wanted.port < least && Port === undefined) throw missing('HealthCheckConfig.Port');
  if (wanted.port < least || wanted.port > 65_535)
    throw notValid('HealthCheckConfig.Port', `a port from ${least} to 65535`);
  return wanted;
}
