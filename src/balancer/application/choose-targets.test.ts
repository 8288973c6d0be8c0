import { expect, test } from 'vitest';
import type { NodeSeen } from '../choose-back-ends.ts';
import type { EndpointSeen, EndpointsSeen } from '../endpoints.ts';
import { chooseTargets, type ServiceSeen, serviceSeen, type TargetsChosen } from './choose-targets.ts';

const cloud = (name: string, change: Partial<NodeSeen> = {}): NodeSeen => ({
  name,
  ground: { ground: 'cloud', provider: 'ucloud', zone: 'z', id: `uhost-${name}` },
  isReady: true,
  isExcluded: false,
  isLeaving: false,
  ...change,
});
const nodes = [cloud('web-1'), cloud('web-2'), cloud('base-1', { ground: { ground: 'site', machine: 'base-1' } })];
const web: ServiceSeen = { type: 'NodePort', isLocal: false, ports: [{ name: 'http', port: 80, nodePort: 30_080 }] };
const bare: ServiceSeen = { ...web, type: 'ClusterIP', ports: [{ name: 'http', port: 80 }] };

function pod(name: string, node: string, change: Partial<EndpointSeen> = {}): EndpointSeen {
  return { pod: name, node, address: `10.9.0.${name.length + 20}`, isReady: true, ports: { http: 8080 }, ...change };
}

function endpoints(...all: readonly EndpointSeen[]): EndpointsSeen {
  const ready = all.filter(({ isReady }) => isReady);
  return { ready: ready.length, nodes: new Set(ready.flatMap(({ node }) => node ?? [])), all };
}

function choose(
  service: ServiceSeen | undefined,
  seen: EndpointsSeen,
  change: {
    readonly port?: string | number;
    readonly toPods?: boolean;
    readonly most?: number;
    readonly fit?: string;
  } = {},
): TargetsChosen {
  const { port = 80, toPods = true, most = 10, fit } = change;
  return chooseTargets({ service: 'web', port }, { service, endpoints: seen }, nodes, {
    toPods,
    most,
    isFit: (one) => one === fit,
    place: { provider: 'ucloud', vpc: 'vpc-1', subnet: 'subnet-1' },
  });
}

const short = ({ to, faults }: TargetsChosen) => ({
  to: to.map((one) => `${one.machine ?? one.address}:${one.port}`),
  faults: faults.map(({ reason, message }) => `${reason}: ${message}`),
});
const inVpc = endpoints(pod('a', 'web-1'), pod('bb', 'web-2'));
const mixed = endpoints(pod('a', 'web-1'), pod('bb', 'base-1'));

test.each<[string, TargetsChosen, readonly string[], readonly RegExp[]]>([
  ['pods that are all in the VPC', choose(web, inVpc), ['10.9.0.21:8080', '10.9.0.22:8080'], []],
  ['as many pods as it takes', choose(web, inVpc, { most: 2 }), ['10.9.0.21:8080', '10.9.0.22:8080'], []],
  [
    'pods in the order of their addresses',
    choose(web, endpoints(pod('bb', 'web-2'), pod('a', 'web-1'))),
    ['10.9.0.21:8080', '10.9.0.22:8080'],
    [],
  ],
  [
    'pods on a port without a name',
    choose({ ...web, ports: [{ port: 80 }] }, endpoints(pod('a', 'web-1', { ports: { '': 8080 } }))),
    ['10.9.0.21:8080'],
    [],
  ],
  ['a port by its name', choose(web, inVpc, { port: 'http' }), ['10.9.0.21:8080', '10.9.0.22:8080'], []],
  [
    'node ports when they are asked for',
    choose(web, inVpc, { toPods: false }),
    ['uhost-web-1:30080', 'uhost-web-2:30080'],
    [],
  ],
  ['node ports while a pod is on the site', choose(web, mixed), ['uhost-web-1:30080', 'uhost-web-2:30080'], []],
  ['node ports when there are more pods than it takes', choose(web, inVpc, { most: 1 }), ['uhost-web-1:30080'], []],
  [
    'with Local nodes that have a pod',
    choose({ ...web, isLocal: true }, endpoints(pod('bb', 'web-2', { address: '' }))),
    ['uhost-web-2:30080'],
    [],
  ],
  [
    'with Local nodes that have a pod which ends, when none is ready',
    choose(
      { ...web, isLocal: true },
      {
        ready: 0,
        nodes: new Set(),
        ending: new Set(['web-2']),
        all: [pod('a', 'base-1', { isReady: false, isEnding: true })],
      },
    ),
    ['uhost-web-2:30080'],
    [/^NoEndpoint: /],
  ],
  [
    'with Local nodes that have a ready pod, not those where one ends',
    choose({ ...web, isLocal: true }, { ...mixed, ending: new Set(['web-2']) }),
    ['uhost-web-1:30080'],
    [],
  ],
  [
    'with Local no node when no pod answers',
    choose({ ...web, isLocal: true }, { ready: 0, nodes: new Set() }, { toPods: false }),
    [],
    [/^NoEndpoint: /, /^NoCloudNode: /],
  ],
  [
    'the pods of the VPC alone, and names an endpoint by hand by its address',
    choose(bare, endpoints(pod('a', 'web-1'), pod('bb', 'base-1', { pod: undefined }))),
    ['10.9.0.21:8080'],
    [/^PodsLeftOut: .*these get nothing: 10\.9\.0\.22 is /],
  ],
  [
    'no pod that lacks the port',
    choose(bare, endpoints(pod('a', 'web-1'), pod('bb', 'web-2', { ports: { admin: 81 } }))),
    ['10.9.0.21:8080'],
    [/^PodsLeftOut: .*these get nothing: pod bb does not have the port "http"\. /],
  ],
  [
    'no endpoint by hand that is not ready',
    choose(bare, endpoints(pod('a', 'web-1', { pod: undefined, isReady: false }))),
    [],
    [/^NoEndpoint: /],
  ],
  [
    'the pods of the VPC alone when there are no node ports, and names the others',
    choose(bare, mixed),
    ['10.9.0.21:8080'],
    [/^PodsLeftOut: .*these get nothing: pod bb is on base-1, which is not in the VPC\. Give it the type NodePort/],
  ],
  [
    'as many pods as it takes when there are no node ports, and names the others',
    choose(bare, inVpc, { most: 1 }),
    ['10.9.0.21:8080'],
    [
      /^PodsLeftOut: .*these get nothing: 10\.9\.0\.22: the ALB takes 1 back ends for this Service\. Give it the type NodePort/,
    ],
  ],
  [
    'a pod that lacks nothing but the gate',
    choose(bare, endpoints(pod('a', 'web-1', { isReady: false })), { fit: 'a' }),
    ['10.9.0.21:8080'],
    [/^NoEndpoint: /],
  ],
  [
    'nobody when no pod is ready',
    choose(bare, endpoints(pod('a', 'web-1', { isReady: false }))),
    [],
    [/^NoEndpoint: no pod of Service web is ready/],
  ],
  [
    'nobody for a Service that does not exist',
    choose(undefined, inVpc),
    [],
    [/^BackendMissing: Service web does not exist/],
  ],
  [
    'nobody for a port that it has not',
    choose(web, inVpc, { port: 81 }),
    [],
    [/^BackendMissing: Service web has no port 81: it has 80 \(http\)$/],
  ],
  [
    'nobody for a port that it has not, and names those that it has',
    choose({ ...web, ports: [...web.ports, { port: 90 }] }, inVpc, { port: 81 }),
    [],
    [/ has no port 81: it has 80 \(http\), 90$/],
  ],
  ['nobody for a Service without ports', choose({ ...web, ports: [] }, inVpc), [], [/: it has none$/]],
  [
    'nobody for a name of elsewhere',
    choose({ ...web, type: 'ExternalName' }, inVpc),
    [],
    [/^NotSupported: .*ExternalName/],
  ],
])('a path is sent to %s', (_title, chosen, to, faults) => {
  expect(short(chosen)).toEqual({ to, faults: faults.map((one) => expect.stringMatching(one)) });
});

test('without a cloud node that may serve it says why', () => {
  const chosen = (all: readonly NodeSeen[]): TargetsChosen =>
    chooseTargets({ service: 'web', port: 80 }, { service: web, endpoints: mixed }, all, {
      toPods: true,
      most: 10,
      isFit: () => false,
      place: { provider: 'ucloud', vpc: 'vpc-1', subnet: 'subnet-1' },
    });
  const site = nodes.slice(2);
  expect(short(chosen(site)).faults).toEqual([
    'NoCloudNode: no cloud node can be a back end for Service web: add one under cloudMachines',
  ]);
  const leaving = ['web-1', 'web-2'].map((name) => cloud(name, { isLeaving: true }));
  expect(short(chosen([...site, ...leaving])).faults).toEqual([
    'NoCloudNode: no cloud node can be a back end for Service web (web-1: it is being removed, web-2: it is being removed)',
  ]);
});

test('a pod is asked for where it is in the VPC', () => {
  expect(choose(web, endpoints(pod('a', 'web-1')))).toEqual({
    to: [{ address: '10.9.0.21', vpc: 'vpc-1', subnet: 'subnet-1', port: 8080 }],
    faults: [],
  });
});

test('of a Service what decides is kept', () => {
  const ports = [{ port: 80, nodePort: 30_080 }];
  expect(
    serviceSeen({ metadata: { name: 'web' }, spec: { type: 'NodePort', ports, externalTrafficPolicy: 'Local' } }),
  ).toEqual({
    type: 'NodePort',
    ports,
    isLocal: true,
  });
  expect(serviceSeen({ metadata: { name: 'web' } })).toEqual({ type: 'ClusterIP', ports: [], isLocal: false });
});

test('when all pods end, those that still answer are taken, and a label does not take the last node out', () => {
  const ending = pod('a', 'web-1', { isReady: false, isEnding: true });
  expect(short(choose(bare, endpoints(ending, pod('bb', 'web-2', { isReady: false })))).to).toEqual(['10.9.0.21:8080']);
  expect(short(choose(bare, endpoints(ending, pod('bb', 'web-2')))).to).toEqual(['10.9.0.22:8080']);
  const all = [cloud('web-1', { isExcluded: true }), cloud('web-2', { isExcluded: true })];
  const chosen = chooseTargets({ service: 'web', port: 80 }, { service: web, endpoints: mixed }, all, {
    toPods: false,
    most: 10,
    isFit: () => false,
    place: { provider: 'ucloud', vpc: 'vpc-1', subnet: 'subnet-1' },
    serving: new Set(['uhost-web-1']),
  });
  expect(short(chosen)).toEqual({
    to: ['uhost-web-1:30080'],
    faults: [
      expect.stringMatching(/^OnlyExcluded: every cloud node carries the label .* sending to web-1 for Service web/),
    ],
  });
});
