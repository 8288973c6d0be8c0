import type { EipRecord } from '../unet/state.ts';
import type { UlbSeen } from './cloud.ts';
import { usualRhythm } from './health.ts';
import type { TargetRecord } from './record.ts';
import type { BalancerRecord, ListenerRecord } from './state.ts';

/** What lists have by now. @unit now: Unix milliseconds */
export function listed<T extends { readonly listedAt: number }>(all: readonly T[], now: number): readonly T[] {
  return all.filter(({ listedAt }) => listedAt <= now);
}

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

/** @unit seconds for which one was paid */
export function lasts(chargeType: string): number {
  return { Year: 365 * 86_400, Month: 30 * 86_400, Day: 86_400 }[chargeType] ?? 3600;
}

/** Those that lead to the balancer now. */
export function eipsOf(id: string, { eips }: UlbSeen): readonly EipRecord[] {
  return eips.filter((eip) => eip.at === 'used' && eip.resource === id);
}

export function innerForm(IP: string) {
  const none = { OperatorName: '', BandwidthType: 0, Bandwidth: 0 };
  return { Id: `ip-${IP.replaceAll('.', '-')}`, IP, IPVersion: 'IPv4', AddressType: 'Intranet', ...none };
}

export function outerForm({ id, ip, operator, bandwidth }: EipRecord) {
  const kind = { IPVersion: 'IPv4', AddressType: 'Internet' };
  return { Id: id, IP: ip, ...kind, OperatorName: operator, BandwidthType: 0, Bandwidth: bandwidth };
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

export function healthOf(targets: readonly TargetRecord[]): string {
  const well = targets.filter(({ health }) => health.isHealthy).length;
  if (targets.length === 0) return 'None';
  return well === targets.length ? 'Healthy' : well === 0 ? 'Unhealthy' : 'PartialHealth';
}

export function targetForm(target: TargetRecord, state: UlbSeen) {
  return { Region: '', ResourceName: nameOf(target, state), ...anyTargetForm(target) };
}

/** Of an address only the address is shown. */
export function anyTargetForm(target: TargetRecord) {
  return {
    Id: target.id,
    ResourceType: target.type,
    ResourceId: target.resource,
    VPCId: target.vpc,
    SubnetId: target.subnet,
    ResourceIP: target.ip,
    Port: target.port,
    Weight: target.weight,
    Enabled: target.enabled,
    State: target.health.isHealthy ? 'Healthy' : 'Unhealthy',
  };
}

export function nameOf({ resource }: TargetRecord, { machines, interfaces }: UlbSeen): string {
  return [...machines, ...interfaces].find(({ id }) => id === resource)?.name ?? '';
}
