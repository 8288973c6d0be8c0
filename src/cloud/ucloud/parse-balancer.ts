import { type Ms, seconds } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import type { BackEnd, CloudBackEnd, CloudBalancer, CloudListener, Listening } from '../balancer.ts';
import type { Charge } from '../owned.ts';
import type { PublicAddress } from '../public-address.ts';
import { markOf } from './parse-machine.ts';
import type {
  ApplicationBalancerSeen,
  BalancerListener,
  DirectBalancerSeen,
  Eip,
  NetworkBalancer,
} from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/**
 * A balancer as DescribeNetworkLoadBalancers tells it with ShowDetail.
 * @source UCloud API reference, NLB: of IPInfos, Type 1 are front addresses, public ones among them, and Type 2 is the source address
 *         towards back ends
 */
export function parseBalancer(seen: NetworkBalancer): CloudBalancer {
  const front = seen.IPInfos.find(({ Type, AddressType }) => Type === 1 && AddressType !== 'Internet');
  return {
    id: seen.NLBId,
    ...whoseAndWhere(seen, seen.ChargeType),
    address: parseIp(front?.IP ?? ''),
    senders: seen.IPInfos.flatMap(({ Type, IP }) => (Type === 2 ? (parseIp(IP ?? '') ?? []) : [])),
    listeners: seen.Listeners.map(parseListener).sort(
      (a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1) || (a.id < b.id ? -1 : 1),
    ),
  };
}

/** What the cloud tells alike of balancers of every kind. @unit charge: as it names it; `undefined` where it does not tell */
export function whoseAndWhere(
  seen: Omit<NetworkBalancer | ApplicationBalancerSeen, 'ChargeType'> | DirectBalancerSeen,
  charge: string | undefined,
) {
  return {
    name: seen.Name ?? '',
    mark: markOf(seen.Tag),
    owner: ownerOf(seen.Remark),
    createdAt: seen.CreateTime ?? 0,
    vpc: seen.VPCId ?? '',
    subnet: seen.SubnetId ?? '',
    charge: chargeOf(charge),
  };
}

export function parseListener(seen: BalancerListener): CloudListener {
  const { mark, owner } = parseRemark(seen.Remark);
  const { Type: check, Port: checkPort } = seen.HealthCheckConfig ?? {};
  return {
    id: seen.ListenerId,
    mark,
    owner,
    protocol: seen.Protocol.toUpperCase(),
    port: seen.StartPort,
    lastPort: seen.EndPort,
    scheduler: keyOf(schedulerNames, seen.Scheduler),
    sticky: seen.StickinessTimeout === undefined ? undefined : seconds(seen.StickinessTimeout),
    proxyProtocol: seen.ForwardSrcIPMethod === 'Toa' ? undefined : seen.ForwardSrcIPMethod === 'ProxyProto',
    checkPort: check === portCheck ? checkPort : undefined,
    backEnds: seen.Targets.map(parseBackEnd).sort(byPlace),
  };
}

export function parseBackEnd(seen: BalancerListener['Targets'][number]): CloudBackEnd {
  const healthy = seen.State === 'Healthy' ? true : seen.State === 'Unhealthy' ? false : undefined;
  const { Id: id, Port: port } = seen;
  const address = seen.ResourceType === 'IP' ? parseIp(seen.ResourceIP ?? '') : undefined;
  return address === undefined
    ? { id, machine: seen.ResourceId ?? '', port, healthy }
    : { id, address, vpc: seen.VPCId ?? '', subnet: seen.SubnetId ?? '', port, healthy };
}

export function byPlace(a: BackEnd, b: BackEnd): number {
  const sign = ({ machine, address }: BackEnd): string => (machine === undefined ? `b ${address}` : `a ${machine}`);
  return (sign(a) < sign(b) ? -1 : Number(sign(a) > sign(b))) || a.port - b.port;
}

/** `undefined` while its address is not told. */
export function parseEip(seen: Eip): PublicAddress | undefined {
  const ip = parseIp(seen.EIPAddr[0]?.IP ?? '');
  if (ip === undefined) return undefined;
  return {
    id: seen.EIPId,
    ip,
    mark: markOf(seen.Tag),
    owner: ownerOf(seen.Remark),
    createdAt: seen.CreateTime ?? 0,
    bandwidth: seen.Bandwidth,
    boundTo: seen.Resource?.ResourceID,
  };
}

/** How a port is to be answered, as both CreateNLBListener and UpdateNLBListenerAttribute want it. */
export function listeningParams(wish: Listening): Params {
  return {
    Scheduler: schedulerNames[wish.scheduler],
    // Left out it is 60 s: a client would keep its back end although nobody asked for that.
    StickinessTimeout: wish.sticky / second,
    ForwardSrcIPMethod: wish.proxyProtocol ? 'ProxyProto' : 'None',
    'HealthCheckConfig.Enabled': true,
    'HealthCheckConfig.Type': portCheck,
    'HealthCheckConfig.Port': wish.checkPort,
  };
}

/** What a balancer or an address says of its owner; its mark is its business group, as that of machines. */
export function ownerRemark(owner: string): string {
  return `${ownerPrefix}${owner}`;
}

export function ownerOf(remark: string | undefined): string | undefined {
  return remark?.startsWith(ownerPrefix) ? remark.slice(ownerPrefix.length) : undefined;
}

/** A listener has no business group: both stand in its remark. */
export function listenerRemark(mark: string, owner: string): string {
  return `isthmus-${mark}/${owner}`;
}

export function parseRemark(remark: string | undefined): {
  readonly mark: string | undefined;
  readonly owner: string | undefined;
} {
  const [, mark, owner] = /^isthmus-([^/]+)\/(.+)$/.exec(remark ?? '') ?? [];
  return { mark, owner };
}

export const chargeNames: Readonly<Record<Charge, string>> = { hour: 'Dynamic', month: 'Month', year: 'Year' };

function chargeOf(name: string | undefined): Charge | undefined {
  return keyOf(chargeNames, name);
}

const ownerPrefix = 'isthmus/';
const second: Ms = seconds(1);

const schedulerNames: Readonly<Record<Listening['scheduler'], string>> = {
  'round-robin': 'RoundRobin',
  'source-hash': 'SourceHash',
  'least-connections': 'LeastConn',
  'weighted-least-connections': 'WeightLeastConn',
};
const portCheck = 'Port';

export function keyOf<K extends string>(names: Readonly<Record<K, string>>, name: string | undefined): K | undefined {
  return (Object.keys(names) as K[]).find((key) => names[key] === name);
}
