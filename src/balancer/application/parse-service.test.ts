import { expect, test } from 'vitest';
import type { ServiceObject } from '#kube/resources.ts';
import { seconds } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { parseWish } from '../parse-wish.ts';
import { actionFor, type ServiceAlbWish, wishWith } from './parse-service.ts';

const own = 'isthmus.dev/balancer-';
const uk8s = 'service.beta.kubernetes.io/ucloud-load-balancer-';

function parse(annotations: Readonly<Record<string, string>>, spec: NonNullable<ServiceObject['spec']> = {}) {
  const ports = [
    { name: 'http', port: 80, protocol: 'TCP', nodePort: 30_080 },
    { name: 'https', port: 443, protocol: 'TCP', nodePort: 30_443 },
  ];
  const service = { metadata: { name: 'web', annotations }, spec: { type: 'LoadBalancer', ports, ...spec } };
  return parseWish(service, { subnet: 'subnet-1', most: { network: 5, direct: 50, application: 50 } });
}

function wishOf(
  annotations: Readonly<Record<string, string>>,
  spec: NonNullable<ServiceObject['spec']> = {},
): ServiceAlbWish {
  const parsed = parse(annotations, spec);
  if (!parsed.ok || parsed.wish.layer !== 'application') throw new Error(JSON.stringify(parsed));
  return parsed.wish;
}

test('a Service of UK8S for an ALB means what ours means', () => {
  const theirs = wishOf({
    [`${uk8s}listentype`]: 'application',
    [`${uk8s}vserver-protocol`]: 'https',
    [`${uk8s}vserver-ssl-port`]: '443',
    [`${uk8s}vserver-ssl-cert`]: 'ssl-1',
    [`${uk8s}vserver-session-persistence-type`]: 'userdefined',
    [`${uk8s}vserver-session-persistence-info`]: 'SID',
    [`${uk8s}vserver-monitor-type`]: 'path',
    [`${uk8s}vserver-monitor-path`]: 'status/ready',
    [`${uk8s}vserver-monitor-domain`]: 'shop.example',
    [`${uk8s}vserver-method`]: 'leastconn',
    [`${uk8s}vserver-client-timeout`]: '120',
  });
  const ours = wishOf({
    [`${own}kind`]: 'application',
    [`${own}tls-ports`]: '443',
    [`${own}certificates`]: 'ssl-1',
    [`${own}cookie`]: 'application',
    [`${own}cookie-name`]: 'SID',
    [`${own}check`]: 'http',
    [`${own}check-path`]: '/status/ready',
    [`${own}check-host`]: 'shop.example',
    [`${own}scheduler`]: 'least-connections',
    [`${own}sticky`]: '120',
  });
  expect(theirs).toEqual(ours);
  const entry = {
    scheduler: 'least-connections',
    idleTimeout: seconds(120),
    sticky: { by: 'cookie', name: 'SID' },
    check: { by: 'http', method: 'HEAD', path: '/status/ready', host: 'shop.example' },
    redirectTo: undefined,
  };
  expect(ours.listeners).toEqual([
    { ...entry, protocol: 'HTTP', port: 80, nodePort: 30_080, name: 'http', certificates: [] },
    { ...entry, protocol: 'HTTPS', port: 443, nodePort: 30_443, name: 'https', certificates: [{ id: 'ssl-1' }] },
  ]);
});

test('HTTP alone asks for an ALB, with what is usual, and so does a kind in any case', () => {
  const usual = {
    protocol: 'HTTP',
    scheduler: 'round-robin',
    idleTimeout: seconds(60),
    sticky: { by: 'nothing' },
    check: { by: 'connection' },
  };
  expect(wishOf({ [`${uk8s}vserver-protocol`]: 'http' }).listeners).toMatchObject([usual, usual]);
  expect(wishOf({ [`${uk8s}listentype`]: 'Application' }).listeners).toHaveLength(2);
  expect(wishOf({ [`${own}kind`]: 'application', [`${own}cookie`]: 'balancer' }).listeners[0]?.sticky).toEqual({
    by: 'own-cookie',
  });
  expect(wishOf({ [`${own}kind`]: 'application' }, { sessionAffinity: 'ClientIP' }).listeners[0]?.scheduler).toBe(
    'source-hash',
  );
  const secure = wishOf({ [`${uk8s}vserver-protocol`]: 'https', [`${own}certificates`]: 'ssl-1, ssl-2' });
  expect(secure.listeners.map(({ protocol, certificates }) => [protocol, certificates.length])).toEqual([
    ['HTTPS', 2],
    ['HTTPS', 2],
  ]);
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  [
    'HTTP on a network load balancer',
    { [`${own}kind`]: 'network', [`${uk8s}vserver-protocol`]: 'http' },
    /is "http", but .*kind is "network": write application/,
  ],
  [
    'TCP on an ALB',
    { [`${own}kind`]: 'application', [`${uk8s}vserver-protocol`]: 'tcp' },
    /is "tcp", but .*kind is "application": write http or https/,
  ],
  [
    'a certificate of a network load balancer',
    { [`${own}certificates`]: 'ssl-1' },
    /balancer-certificates needs .*kind "application"/,
  ],
  [
    'a request as check of a network load balancer',
    { [`${own}check`]: 'http' },
    /check is "http", which needs .*kind "application"/,
  ],
  [
    'HTTPS without a certificate',
    { [`${own}kind`]: 'application', [`${own}tls-ports`]: '443' },
    /port 443 needs a certificate/,
  ],
  [
    'a certificate without HTTPS',
    { [`${own}kind`]: 'application', [`${own}certificates`]: 'ssl-1' },
    /needs a port for HTTPS/,
  ],
  [
    'a port that the Service has not',
    { [`${own}kind`]: 'application', [`${own}tls-ports`]: '8443', [`${own}certificates`]: 'ssl-1' },
    /has 8443, which is no port/,
  ],
  [
    'PROXY protocol',
    { [`${own}kind`]: 'application', [`${own}proxy-protocol`]: 'true' },
    /tells the client in X-Forwarded-For/,
  ],
  [
    'weights',
    { [`${own}kind`]: 'application', [`${own}scheduler`]: 'weighted-least-connections' },
    /write least-connections/,
  ],
  ['a cookie without a name', { [`${own}kind`]: 'application', [`${own}cookie`]: 'application' }, /name the cookie/],
  [
    'a name without a cookie',
    { [`${own}kind`]: 'application', [`${own}cookie-name`]: 'SID' },
    /cookie-name needs .*cookie "application"/,
  ],
  [
    'a host and a path of a check that asks for nothing',
    { [`${own}kind`]: 'application', [`${own}check-host`]: 'shop.example', [`${own}check-path`]: '/ready' },
    /check-host, .*check-path needs .*check "http": without it back ends are checked by a connection alone/,
  ],
  ['classic load balancers', { [`${uk8s}listentype`]: 'requestproxy' }, /write network, packetstransmit, application/],
])('%s is refused with what would work', (_title, annotations, message) => {
  const parsed = parse(annotations);
  expect(parsed.ok ? [] : parsed.refusals.map((one) => one.message)).toEqual([expect.stringMatching(message)]);
});

test('UDP is refused, and so are more ports than an ALB takes', () => {
  const udp = parse({ [`${own}kind`]: 'application' }, { ports: [{ port: 53, protocol: 'UDP', nodePort: 30_053 }] });
  expect(udp.ok ? '' : udp.refusals[0]?.message).toMatch(
    /^port 53 is UDP: an application load balancer takes HTTP over TCP/,
  );
  const many = Array.from({ length: 51 }, (_none, at) => ({ port: at + 1, protocol: 'TCP', nodePort: 30_000 + at }));
  const full = parse({ [`${own}kind`]: 'application' }, { ports: many });
  expect(full.ok ? '' : full.refusals[0]?.message).toMatch(/has 51 ports, and one load balancer takes 50/);
});

test('each port is answered by cloud nodes, or by the pods themselves', () => {
  const wish = wishOf({ [`${own}kind`]: 'application' });
  const place = { vpc: 'vpc-1', subnet: 'subnet-1' };
  const nodes = wishWith(wish, { machines: ['uhost-1'], left: [] }, place);
  expect(nodes.listeners.map(({ routes, last }) => [routes, last])).toEqual([
    [[], { do: 'send', to: [{ machine: 'uhost-1', port: 30_080 }] }],
    [[], { do: 'send', to: [{ machine: 'uhost-1', port: 30_443 }] }],
  ]);
  expect(nodes.listeners[0]).not.toHaveProperty('nodePort');
  const pods = [{ address: ip('10.9.0.20'), machine: 'uhost-1', ports: { http: 8080 } }];
  expect(actionFor({ nodePort: 30_080, name: 'http' }, { machines: [], left: [], pods }, place)).toEqual({
    do: 'send',
    to: [{ address: '10.9.0.20', ...place, port: 8080 }],
  });
  expect(actionFor({ nodePort: 0, name: 'https' }, { machines: [], left: [], pods }, place)).toEqual({
    do: 'send',
    to: [],
  });
});
