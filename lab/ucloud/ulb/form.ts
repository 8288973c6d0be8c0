import type { EipRecord } from '../unet/state.ts';
import type { UlbSeen } from './cloud.ts';
import type { TargetRecord } from './record.ts';

/** What lists have by now. @unit now: Unix milliseconds */
export function listed<T extends { readonly listedAt: number }>(all: readonly T[], now: number): readonly T[] {
  return all.filter(({ listedAt }) => listedAt <= now);
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

export function healthOf(targets: readonly TargetRecord[]): string {
  const well = targets.filter(({ health }) => health.isHealthy).length;
  if (targets.length === 0) return 'None';
  return well === targets.length ? 'Healthy' : well === 0 ? 'Unhealthy' : 'PartialHealth';
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
