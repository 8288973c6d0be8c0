import { expect, test } from 'vitest';
import type { ServiceObject } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { parseWish, type Wish } from './parse-wish.ts';

const own = 'isthmus.dev/balancer-';
const uk8s = 'service.beta.kubernetes.io/ucloud-load-balancer-';
const defaults = { subnet: 'subnet-1', most: { network: 5, direct: 50, application: 50 } };

function service(annotations: Readonly<Record<string, string>> = {}, spec: ServiceObject['spec'] = {}): ServiceObject {
  return {
    metadata: { name: 'web', namespace: 'default', annotations },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080 }], ...spec },
  };
}

function wishOf(annotations: Readonly<Record<string, string>>, spec: ServiceObject['spec'] = {}): Wish {
  const parsed = parseWish(service(annotations, spec), defaults);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.refusals));
  if (parsed.wish.layer === 'application') throw new Error('it is for an ALB');
  return parsed.wish;
}

function refusalsOf(
  annotations: Readonly<Record<string, string>>,
  spec: ServiceObject['spec'] = {},
): readonly string[] {
  const parsed = parseWish(service(annotations, spec), defaults);
  return parsed.ok ? [] : parsed.refusals.map(({ reason, message }) => `${reason}: ${message}`);
}

test('a classic balancer that forwards packets is checked on the port itself, and needs no node port', () => {
  for (const annotations of [{ [`${uk8s}listentype`]: 'PacketsTransmit' }, { [`${own}kind`]: 'direct' }]) {
    const ports = Array.from({ length: 50 }, (_none, at) => ({ port: at + 1, protocol: 'TCP' }));
    const spec = { ports, allocateLoadBalancerNodePorts: false };
    const { layer, toPods, listeners } = wishOf(annotations, spec);
    expect([layer, toPods]).toEqual(['direct', false]);
    expect(listeners.map(({ port, checkPort }) => [port, checkPort])).toEqual(ports.map(({ port }) => [port, port]));
  }
  expect(wishOf({ [`${own}kind`]: 'direct', [`${own}scheduler`]: 'source-hash' }).listeners[0]?.scheduler).toBe(
    'source-hash',
  );
});

test.each([
  [
    'PROXY protocol',
    { [`${own}proxy-protocol`]: 'true' },
    /packets are forwarded as they are, with the client's address/,
  ],
  ['pods as back ends', { [`${own}targets`]: 'pods' }, /has machines alone as back ends/],
  ['counted connections', { [`${own}scheduler`]: 'least-connections' }, /cannot count connections: write round-robin/],
  ['HTTP', { [`${uk8s}vserver-protocol`]: 'http' }, /kind is "direct": write application/],
  ['a certificate', { [`${own}certificates`]: 'ssl-1' }, /a direct load balancer knows no HTTP/],
])('of a classic balancer that forwards packets %s is refused with what would work', (_title, annotations, message) => {
  expect(refusalsOf({ [`${own}kind`]: 'direct', ...annotations })).toEqual([expect.stringMatching(message)]);
});

test('without annotations a balancer is public, paid by the hour, and asks kube-proxy on each node', () => {
  expect(wishOf({})).toEqual({
    layer: 'network',
    use: undefined,
    isPublic: true,
    isLocal: false,
    toPods: false,
    subnet: 'subnet-1',
    charge: 'hour',
    quantity: 1,
    listeners: [
      {
        protocol: 'TCP',
        port: 80,
        nodePort: 30_080,
        scheduler: 'round-robin',
        sticky: 0,
        proxyProtocol: false,
        checkPort: 10_256,
        name: '',
      },
    ],
    address: { bandwidth: 2, charge: 'hour', quantity: 1, pays: 'bandwidth', operator: undefined },
  });
});

test('a manifest of UK8S means what ours means', () => {
  const theirs = {
    type: 'inner',
    listentype: 'network',
    paymode: 'month',
    quantity: '3',
    'vserver-method': 'leastconn',
    'vserver-protocol': 'tcp',
    'vserver-monitor-type': 'port',
    'vserver-client-timeout': '60',
    'subnet-id': 'subnet-9',
    'eip-bandwidth': '20',
    'eip-paymode': 'sharebandwidth',
    'eip-sharebandwidthid': 'bwshare-1',
    'eip-chargetype': 'dynamic',
    'id-provision': 'nlb-of-the-other-cluster',
  };
  const ours = {
    access: 'private',
    charge: 'month',
    quantity: '3',
    scheduler: 'least-connections',
    sticky: '60',
    subnet: 'subnet-9',
    bandwidth: '20',
    pays: 'shared',
    'shared-bandwidth': 'bwshare-1',
  };
  const prefixed = (prefix: string, all: object) =>
    Object.fromEntries(Object.entries(all).map(([key, value]) => [`${prefix}${key}`, value as string]));
  expect(wishOf(prefixed(uk8s, theirs))).toEqual(wishOf(prefixed(own, ours)));
  expect(wishOf(prefixed(own, ours))).toMatchObject({
    isPublic: false,
    charge: 'month',
    address: { pays: { shared: 'bwshare-1' } },
  });
});

test.each<[string, Readonly<Record<string, string>>, ServiceObject['spec'], string]>([
  [
    'an unknown annotation',
    { [`${own}acess`]: 'private' },
    {},
    `BadAnnotation: unknown annotation ${own}acess: did you mean ${own}access?`,
  ],
  [
    'an unknown annotation of UK8S',
    { [`${uk8s}eip-bandwith`]: '5' },
    {},
    `BadAnnotation: unknown annotation ${uk8s}eip-bandwith: did you mean ${uk8s}eip-bandwidth?`,
  ],
  [
    'an annotation that is like no other',
    { [`${own}frobnicate`]: '5' },
    {},
    `BadAnnotation: unknown annotation ${own}frobnicate: see docs/reference/service-annotations.md for those there are`,
  ],
  ['a wrong value', { [`${own}access`]: 'inner' }, {}, `BadAnnotation: ${own}access is "inner": write public, private`],
  [
    'a wrong value of UK8S',
    { [`${uk8s}type`]: 'public' },
    {},
    `BadAnnotation: ${uk8s}type is "public": write outer, inner`,
  ],
  [
    'two that contradict each other',
    { [`${own}access`]: 'public', [`${uk8s}type`]: 'inner' },
    {},
    `BadAnnotation: ${own}access is "public" but ${uk8s}type is "inner": leave one of them out`,
  ],
  [
    'a classic balancer that answers requests',
    { [`${uk8s}listentype`]: 'RequestProxy' },
    {},
    `BadAnnotation: ${uk8s}listentype is "RequestProxy", a classic load balancer that answers requests (CLB7), which an ALB replaces: write network, packetstransmit, application`,
  ],
  [
    'a protocol that no port has',
    { [`${uk8s}vserver-protocol`]: 'udp' },
    {},
    `BadAnnotation: ${uk8s}vserver-protocol is "udp", but the ports of the Service are tcp: leave the annotation out`,
  ],
  [
    'a shared bandwidth without its id',
    { [`${own}pays`]: 'shared' },
    {},
    `BadAnnotation: ${own}pays is "shared": name the shared bandwidth with ${own}shared-bandwidth`,
  ],
  [
    'a scheduler that breaks sessionAffinity',
    { [`${own}scheduler`]: 'round-robin' },
    { sessionAffinity: 'ClientIP' },
    `BadAnnotation: ${own}scheduler is "round-robin", but spec.sessionAffinity ClientIP needs source-hash: leave one of them out`,
  ],
  [
    'source ranges',
    {},
    { loadBalancerSourceRanges: ['10.0.0.0/8'] },
    'NotSupported: spec.loadBalancerSourceRanges 10.0.0.0/8 cannot be enforced',
  ],
  [
    'an address of its own',
    {},
    { loadBalancerIP: '1.2.3.4' },
    'NotSupported: spec.loadBalancerIP 1.2.3.4 is not supported',
  ],
  [
    'another family of addresses',
    {},
    { ipFamilies: ['IPv6'] },
    'NotSupported: spec.ipFamilies is IPv6, and load balancers have IPv4 addresses alone: write IPv4 there, or leave the field out',
  ],
  ['SCTP', {}, { ports: [{ port: 5, protocol: 'SCTP', nodePort: 30_005 }] }, 'NotSupported: port 5 is SCTP'],
  [
    'no node port',
    {},
    { ports: [{ port: 80 }] },
    'NodePortMissing: port 80 has no node port, which the load balancer sends to: set spec.allocateLoadBalancerNodePorts to true',
  ],
  [
    'UDP straight to pods',
    { [`${own}targets`]: 'pods' },
    { ports: [{ port: 53, protocol: 'UDP', nodePort: 30_053 }] },
    `BadAnnotation: ${own}targets is "pods", but the load balancer checks pods by a TCP connection to the port, which a UDP port does not take: put UDP ports into a Service of their own`,
  ],
  [
    'a wrong kind of back end of UK8S',
    { [`${uk8s}vserver-enable-direct-endpoint`]: 'yes' },
    {},
    `BadAnnotation: ${uk8s}vserver-enable-direct-endpoint is "yes": write false, true`,
  ],
  [
    'six ports',
    {},
    { ports: [1, 2, 3, 4, 5, 6].map((port) => ({ port, nodePort: 30_000 + port })) },
    'TooManyPorts: the Service has 6 ports, and one load balancer takes 5',
  ],
])('%s is refused with what would work', (_title, annotations, spec, refusal) => {
  expect(refusalsOf(annotations, spec)).toEqual([expect.stringContaining(refusal)]);
});

test('straight to pods needs no node port, and ports keep their names', () => {
  const spec = {
    ports: [
      { name: 'http', port: 80 },
      { name: 'tls', port: 443 },
    ],
  };
  const wished = wishOf({ [`${own}targets`]: 'pods' }, spec);
  expect(wished).toMatchObject({
    toPods: true,
    listeners: [
      { name: 'http', nodePort: 0 },
      { name: 'tls', nodePort: 0 },
    ],
  });
  expect(wishOf({ [`${uk8s}vserver-enable-direct-endpoint`]: 'true' }, spec)).toEqual(wished);
  expect(wishOf({ [`${uk8s}vserver-enable-direct-endpoint`]: 'false' })).toEqual(wishOf({}));
});

test('a Service that does without node ports goes straight to its pods, unless it says nodes or has a UDP port', () => {
  const allocateLoadBalancerNodePorts = false;
  const ports = [{ port: 80, protocol: 'TCP' }];
  expect(wishOf({}, { allocateLoadBalancerNodePorts, ports })).toMatchObject({ toPods: true });
  expect(wishOf({}, { allocateLoadBalancerNodePorts, ports: [...ports, { port: 81, nodePort: 30_081 }] }).toPods).toBe(
    true,
  );
  expect(wishOf({}, { allocateLoadBalancerNodePorts }).toPods).toBe(false);
  const missing = [expect.stringMatching(/^NodePortMissing: port .* has no node port/)];
  expect(refusalsOf({}, { ports })).toEqual(missing);
  expect(refusalsOf({ [`${own}targets`]: 'nodes' }, { allocateLoadBalancerNodePorts, ports })).toEqual(missing);
  const udp = [...ports, { port: 53, protocol: 'UDP' }];
  expect(refusalsOf({}, { allocateLoadBalancerNodePorts, ports: udp })).toEqual(missing);
});

test('all that is wrong is told at once', () => {
  const spec = { loadBalancerIP: '1.2.3.4', ports: [{ port: 80 }] };
  expect(refusalsOf({ [`${own}access`]: 'no', [`${own}new`]: '1' }, spec)).toHaveLength(4);
});

test('source ranges that leave everybody in are no restriction', () => {
  expect(refusalsOf({}, { loadBalancerSourceRanges: ['0.0.0.0/0'] })).toEqual([]);
});

test('sessionAffinity keeps a client at its node, for as long as the cloud can', () => {
  const timeoutOf = (timeoutSeconds: number) =>
    wishOf({}, { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds } } }).listeners[0];
  expect(timeoutOf(10_800)).toMatchObject({ scheduler: 'source-hash', sticky: seconds(900) });
  expect(timeoutOf(5)).toMatchObject({ scheduler: 'source-hash', sticky: seconds(60) });
});

test('UDP and TCP on one port are two listeners, and PROXY protocol goes with TCP only', () => {
  const ports = [
    { port: 53, protocol: 'TCP', nodePort: 30_053 },
    { port: 53, protocol: 'UDP', nodePort: 30_054 },
  ];
  expect(
    wishOf({ [`${uk8s}vserver-protocol`]: 'tcp/udp' }, { ports }).listeners.map(({ protocol }) => protocol),
  ).toEqual(['TCP', 'UDP']);
  expect(refusalsOf({ [`${own}proxy-protocol`]: 'true' }, { ports })).toEqual([expect.stringMatching(/TCP only/)]);
});

test('a Service with both families, or with none written, is served by IPv4', () => {
  for (const ipFamilies of [['IPv4'], ['IPv6', 'IPv4'], []]) expect(refusalsOf({}, { ipFamilies })).toEqual([]);
});
