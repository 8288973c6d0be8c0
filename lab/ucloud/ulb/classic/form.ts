import type { UlbSeen } from '../cloud.ts';
import { listed, nameOf } from '../form.ts';
import type { BackendRecord, ClassicBalancerRecord, VServerRecord } from './state.ts';

interface Shown {
  readonly state: UlbSeen;
  readonly now: number;
}

/** What both lists tell. @source UCloud API reference, ulb-api, models */
function headForm(balancer: ClassicBalancerRecord, { state }: Shown) {
  const { id, name, tag, remark, vpc, subnet, ip, createdAt } = balancer;
  return {
    ULBId: id,
    Name: name,
    Tag: tag,
    Remark: remark,
    BandwidthType: 0,
    Bandwidth: 0,
    CreateTime: createdAt,
    IPSet: state.eips
      .filter((eip) => eip.at === 'used' && eip.resource === id)
      .map((eip) => ({
        OperatorName: eip.operator,
        EIP: eip.ip,
        EIPId: eip.id,
        BandwidthType: 0,
        Bandwidth: eip.bandwidth,
      })),
    ULBType: ip === undefined ? 'OuterMode' : 'InnerMode',
    IPVersion: 'IPv4',
    SnatIps: [],
    ListenType: 'PacketsTransmit',
    VPCId: vpc,
    SubnetId: subnet,
    BusinessId: tag,
    PrivateIP: ip ?? '',
    FirewallSet: [],
    EnableLog: 0,
  };
}

export function balancerForm(balancer: ClassicBalancerRecord, shown: Shown) {
  const VServerSet = listed(balancer.listeners, shown.now).map((one) => listenerForm(one, balancer, shown));
  return { ...headForm(balancer, shown), VServerSet };
}

export function simpleForm(balancer: ClassicBalancerRecord, shown: Shown) {
  const VServerCount = listed(balancer.listeners, shown.now).length;
  return { ...headForm(balancer, shown), VServerCount, WAFMode: 'NoWAF' };
}

export function listenerForm(listener: VServerRecord, { id }: ClassicBalancerRecord, { state, now }: Shown) {
  const targets = listed(listener.targets, now);
  return {
    ULBId: id,
    VServerId: listener.id,
    VServerName: listener.name,
    Protocol: listener.protocol,
    FrontendPort: listener.port,
    ListenType: 'PacketsTransmit',
    Method: listener.method,
    ClientTimeout: listener.stickiness,
    PersistenceType: 'None',
    PersistenceInfo: '',
    MonitorType: listener.check.type,
    Domain: '',
    Path: '',
    RequestMsg: listener.check.request,
    ResponseMsg: listener.check.response,
    Status: statusOf(targets),
    SSLSet: [],
    PolicySet: [],
    BackendSet: targets.map((target) => backendForm(target, state)),
    EnableCompression: 0,
    EnableHTTP2: 0,
    ForwardPort: 0,
  };
}

/** 0: all are well, 1: none is, 2: some are. */
function statusOf(targets: readonly BackendRecord[]): number {
  const ill = targets.filter(({ health }) => !health.isHealthy).length;
  return ill === 0 ? 0 : ill === targets.length ? 1 : 2;
}

function backendForm(target: BackendRecord, state: UlbSeen) {
  return {
    BackendId: target.id,
    ResourceType: target.type,
    ResourceId: target.resource,
    ResourceName: nameOf(target, state),
    SubResourceType: '',
    SubResourceId: '',
    SubResourceName: '',
    PrivateIP: target.ip,
    Port: target.port,
    Enabled: target.enabled ? 1 : 0,
    Status: target.health.isHealthy ? 0 : 1,
    SubnetId: target.subnet,
    IsBackup: 0,
    Weight: target.weight,
    VPCId: target.vpc,
  };
}
