import type { UlbSeen } from '../cloud.ts';
import { anyTargetForm, eipsOf, healthOf, innerForm, lasts, listed, nameOf, outerForm } from '../form.ts';
import { ruleForm } from './rule-form.ts';
import type { ApplicationBalancerRecord, ApplicationListenerRecord, ApplicationTargetRecord } from './state.ts';

/** @source UCloud API reference, ulb-api, models */
export function balancerForm(
  balancer: ApplicationBalancerRecord,
  state: UlbSeen,
  shown: { now: number; detail: boolean },
) {
  const { id, name, tag, remark, vpc, subnet, ip, snatIps, chargeType, quantity, createdAt, listeners } = balancer;
  return {
    LoadBalancerId: id,
    Type: 'Application',
    Name: name,
    Tag: tag,
    Remark: remark,
    IPVersion: 'IPv4',
    VPCId: vpc,
    SubnetId: subnet,
    IPInfos: [innerForm(ip), ...eipsOf(id, state).map(outerForm)],
    SnatIPs: snatIps,
    Firewall: { FirewallName: '', FirewallId: '' },
    AccessLogConfig: { Enabled: false, US3BucketName: '', US3TokenId: '' },
    ChargeType: chargeType,
    PurchaseValue: createdAt + quantity * lasts(chargeType),
    CreateTime: createdAt,
    Status: 'Normal',
    AutoRenewEnabled: chargeType !== 'Dynamic',
    SecGroup: [],
    Listeners: shown.detail ? listed(listeners, shown.now).map((one) => listenerForm(one, state, shown.now)) : [],
  };
}

export function listenerForm(listener: ApplicationListenerRecord, state: UlbSeen, now: number) {
  const { check, stickiness, redirect } = listener;
  const targets = listed(listener.targets, now);
  return {
    ListenerId: listener.id,
    Name: listener.name,
    Remark: listener.remark,
    ListenerPort: listener.port,
    ListenerProtocol: listener.protocol,
    TargetProtocol: listener.targetProtocol,
    Certificates: listener.certificates.map((SSLId, at) => ({ SSLId, IsDefault: at === 0 })),
    SecurityPolicyId: listener.protocol === 'HTTPS' ? 'Default' : '',
    IdleTimeout: listener.idleTimeout,
    Scheduler: listener.scheduler,
    StickinessConfig: { Enabled: stickiness.enabled, Type: stickiness.type, CookieName: stickiness.cookie },
    HealthCheckConfig: {
      Enabled: true,
      Type: check.type,
      Domain: check.domain,
      Path: check.path,
      Method: check.method,
      ResponseCode: check.codes,
      HTTPVersion: '',
      Port: check.port,
      TimeOut: check.timeout,
      Interval: check.interval,
      UpCounts: check.minSuccess,
      DownCounts: check.maxFail,
    },
    CompressionEnabled: listener.compresses,
    HTTP2Enabled: listener.http2,
    RedirectEnabled: redirect.enabled,
    RedirectPort: redirect.port,
    Targets: targets.map((target) => ({ ...targetForm(target), ResourceName: nameOf(target, state) })),
    Rules: listedRules(listener, now).map((rule) => ruleForm(rule, listener)),
    State: healthOf(targets),
  };
}

/** In the order in which they count. */
export function listedRules({ rules }: ApplicationListenerRecord, now: number) {
  return listed(rules, now).toReversed();
}

/** As the answer to AddTargets has it; lists tell the name besides. */
export function targetForm(target: ApplicationTargetRecord) {
  return { ...anyTargetForm(target), IsBackup: target.isBackup };
}
