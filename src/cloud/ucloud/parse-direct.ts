import { seconds } from '#unit/clock.ts';
import { parseIp } from '#unit/ip.ts';
import type { CloudBackEnd, CloudBalancer, CloudListener, Listening } from '../balancer.ts';
import type { Owned } from '../owned.ts';
import { byPlace, keyOf, whoseAndWhere } from './parse-balancer.ts';
import { longUid, shortUid } from './parse-certificate.ts';
import { markOf, tagOf } from './parse-machine.ts';
import type { DirectBalancerSeen, DirectListenerSeen } from './wire/shapes.ts';
import type { Params } from './wire/sign.ts';

/** A classic load balancer as DescribeULB tells it. How it is paid is not told. */
export function parseDirectBalancer(seen: DirectBalancerSeen): CloudBalancer {
  return {
    id: seen.ULBId,
    ...whoseAndWhere(seen, undefined),
    isPublic: seen.ULBType === 'OuterMode',
    address: parseIp(seen.PrivateIP ?? ''),
    listeners: seen.VServerSet.map(parseDirectListener).sort(
      (a, b) => a.port - b.port || (a.protocol < b.protocol ? -1 : 1) || (a.id < b.id ? -1 : 1),
    ),
  };
}

export function parseDirectListener(seen: DirectListenerSeen): CloudListener {
  const port = seen.FrontendPort;
  return {
    id: seen.VServerId,
    ...ownerIn(seen.VServerName),
    protocol: seen.Protocol.toUpperCase(),
    port,
    lastPort: port,
    scheduler: keyOf(methods, seen.Method),
    sticky: seen.ClientTimeout === undefined ? undefined : seconds(seen.ClientTimeout),
    proxyProtocol: false,
    checkPort: seen.MonitorType === portCheck ? port : undefined,
    backEnds: seen.BackendSet.map(parseDirectBackEnd).sort(byPlace),
  };
}

function parseDirectBackEnd(seen: DirectListenerSeen['BackendSet'][number]): CloudBackEnd {
  const healthy = seen.Status === undefined ? undefined : seen.Status === 0;
  return { id: seen.BackendId, machine: seen.ResourceId ?? '', port: seen.Port, healthy };
}

/** How a port is to be answered, as both CreateVServer and UpdateVServerAttribute want it. */
export function directParams(wish: Listening): Params {
  return {
    Method: methods[wish.scheduler],
    // Left out it is 60 s: a client would keep its back end although nobody asked for that.
    ClientTimeout: wish.sticky / seconds(1),
    // Of UDP the usual one is a ping of the balancer's address, which nothing on a node answers.
    MonitorType: portCheck,
  };
}

/** A listener has no remark: whose it is stands in its name. @source UCloud ULB return code 4114: at most 50 characters */
export function directName({ mark, owner }: Owned): string {
  return `${tagOf(mark)}.${shortUid(owner)}`;
}

function ownerIn(name = ''): { readonly mark: string | undefined; readonly owner: string | undefined } {
  const [, tag, owner] = /^(.+)\.([^.]+)$/.exec(name) ?? [];
  const mark = markOf(tag);
  return mark === undefined || owner === undefined
    ? { mark: undefined, owner: undefined }
    : { mark, owner: longUid(owner) };
}

const portCheck = 'Port';
/** @source UCloud API reference, CreateVServer: Leastconn is of RequestProxy alone; asked for here, it is refused as invalid */
const methods: Readonly<Record<Listening['scheduler'], string>> = {
  'round-robin': 'Roundrobin',
  'source-hash': 'Source',
  'least-connections': 'Leastconn',
  'weighted-least-connections': 'WeightLeastConn',
};
