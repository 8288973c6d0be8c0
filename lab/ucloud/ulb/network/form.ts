import type { UlbSeen } from '../cloud.ts';
import { anyTargetForm, eipsOf, healthOf, innerForm, lasts, listed, nameOf, outerForm } from '../form.ts';
import { usualRhythm } from '../health.ts';
import type { TargetRecord } from '../record.ts';
import type { BalancerRecord, ListenerRecord } from './state.ts';

/** @source UCloud API reference, nlb-api, models */
export function balancerForm(balancer: BalancerRecord, state: UlbSeen, shown: { now: number; detail: boolean }) {
  const { id, name, tag, remark, vpc, subnet, chargeType, quantity, createdAt, listeners } = balancer;
  return {
    NLBId: id,
    Name: name,
    Tag: tag,
    Remark: remark,
    IPVersion: 'IPv4',
    VPCId: vpc,
    SubnetId: subnet,
    IPInfos: [
      { ...innerForm(balancer.ip), Type: 1 },
      { ...innerForm(balancer.backIp), Type: 2 },
      ...eipsOf(id, state).map((eip) => ({ ...outerForm(eip), Type: 1 })),
    ],
    ForwardingMode: 'FullNAT',
    ChargeType: chargeType,
    PurchaseValue: createdAt + quantity * lasts(chargeType),
    CreateTime: createdAt,
    Status: 'Normal',
    AutoRenewEnabled: chargeType !== 'Dynamic',
    Listeners: shown.detail ? listed(listeners, shown.now).map((one) => listenerForm(one, state, shown.now)) : [],
  };
}

export function listenerForm(listener: ListenerRecord, state: UlbSeen, now: number) {
  const { check } = listener;
  const targets = listed(listener.targets, now);
  return {
    ListenerId: listener.id,
    Name: listener.name,
    Remark: listener.remark,
    StartPort: listener.startPort,
    EndPort: listener.endPort,
    Protocol: listener.protocol,
    Scheduler: listener.scheduler,
    StickinessTimeout: listener.stickiness,
    ForwardSrcIPMethod: listener.forwardSource,
    HealthCheckConfig: {
      Enabled: true,
      Port: check.port,
      Type: check.type,
      Interval: usualRhythm.interval,
      MinSuccess: usualRhythm.minSuccess,
      MaxFail: usualRhythm.maxFail,
      ReqMsg: check.request,
      ResMsg: check.response,
    },
    Targets: targets.map((target) => targetForm(target, state)),
    State: healthOf(targets),
  };
}

export function targetForm(target: TargetRecord, state: UlbSeen) {
  return { Region: '', ResourceName: nameOf(target, state), ...anyTargetForm(target) };
}
