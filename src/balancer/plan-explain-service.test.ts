import { expect, test } from 'vitest';
import type { ServiceObject } from '#kube/resources.ts';
import type { NodeSeen } from './choose-back-ends.ts';
import { type ExplainSeen, planExplainService, planPathOfService } from './plan-explain-service.ts';

const web: NodeSeen = {
  name: 'web-1',
  ground: { ground: 'cloud', provider: 'ucloud', zone: 'z', id: 'uhost-1' },
  isReady: true,
  isExcluded: false,
  isLeaving: false,
};
const nodes: readonly NodeSeen[] = [
  web,
  { ...web, name: 'web-2', ground: { ...web.ground, id: 'uhost-2' } as NodeSeen['ground'], isExcluded: true },
  { ...web, name: 'base-1', ground: { ground: 'site', machine: 'base-1' } },
];

function seenWith(change: {
  readonly spec?: ServiceObject['spec'];
  readonly status?: ServiceObject['status'] | undefined;
  readonly record?: string;
  readonly seen?: Partial<ExplainSeen>;
}): ExplainSeen {
  const service: ServiceObject = {
    metadata: {
      name: 'shop',
      namespace: 'default',
      annotations: { 'isthmus.dev/balancer-record': change.record ?? '{"uses":"made","balancer":"nlb-1"}' },
    },
    spec: { type: 'LoadBalancer', ports: [{ port: 80, nodePort: 30_080 }], ...change.spec },
    ...(change.status !== undefined && { status: change.status }),
  };
  return { service, nodes, endpoints: { ready: 3, nodes: new Set(['web-1', 'base-1']) }, ...change.seen };
}

function said(status: 'True' | 'False' | 'Unknown', message: string): ServiceObject['status'] {
  const lastTransitionTime = '2026-11-28T12:00:00Z';
  return {
    loadBalancer: { ingress: [{ ip: '106.75.0.1' }] },
    conditions: [{ type: 'isthmus.dev/Balancer', status, reason: 'Any', message, lastTransitionTime }],
  };
}

test('the path is told hop by hop, with the nodes that are no back ends and why', () => {
  expect(planPathOfService(seenWith({ status: said('True', 'well') }))).toEqual([
    'client: calls 106.75.0.1',
    'load balancer: nlb-1',
    'listeners: TCP 80 to node port 30080',
    'back ends: 1 of 2 cloud nodes (web-2: it carries the label node.kubernetes.io/exclude-from-external-load-balancers)',
    'kube-proxy: sends to pods on any node',
    'pods: 3 ready; cloud nodes with ready pods: web-1; site machines with ready pods: base-1',
  ]);
});

test('a Service without an address says so at the first hop', () => {
  expect(planPathOfService(seenWith({ status: {} }))[0]).toBe(
    'client: calls nobody, because no address is published yet',
  );
  expect(planPathOfService(seenWith({}))[0]).toBe('client: calls nobody, because no address is published yet');
});

test('with Local only nodes with a ready pod are back ends, and every other one is told with its reason', () => {
  const endpoints = { ready: 1, nodes: new Set(['web-3', 'web-4', 'base-1']) };
  const ground = { ...web.ground, id: 'uhost-3' } as NodeSeen['ground'];
  const more = [...nodes].reverse().concat({ ...web, name: 'web-4', ground }, { ...web, name: 'web-3', ground });
  const path = planPathOfService(
    seenWith({
      status: said('True', 'well'),
      spec: { externalTrafficPolicy: 'Local' },
      seen: { endpoints, nodes: more },
    }),
  );
  expect(path.slice(3)).toEqual([
    expect.stringMatching(/^back ends: 2 of 4 cloud nodes \(web-1: [^;]+; web-2: [^;]+\)$/),
    'kube-proxy: sends only to pods on the same node (externalTrafficPolicy Local)',
    'pods: 1 ready; cloud nodes with ready pods: web-3, web-4; site machines with ready pods: base-1',
  ]);
});

test('a balancer that the user has made, two addresses and two ports are told as they are', () => {
  const ports = [
    { port: 80, nodePort: 30_080 },
    { protocol: 'UDP' as const, port: 53 },
  ];
  const status: ServiceObject['status'] = {
    loadBalancer: { ingress: [{ ip: '106.75.0.1' }, {}, { ip: '106.75.0.2' }] },
  };
  const record = '{"uses":"existing","balancer":"nlb-9"}';
  expect(planPathOfService(seenWith({ spec: { ports }, status, record })).slice(0, 3)).toEqual([
    'client: calls 106.75.0.1, 106.75.0.2',
    'load balancer: nlb-9, which is not ours',
    'listeners: TCP 80 to node port 30080, UDP 53 to node port (none)',
  ]);
});

test('behind a classic balancer packets reach a node as they were sent, and no node port is on their way', () => {
  const record = '{"uses":"made","layer":"direct","balancer":"ulb-1"}';
  expect(planPathOfService(seenWith({ status: said('True', 'well'), record })).slice(1)).toEqual([
    'load balancer: ulb-1',
    'listeners: TCP 80',
    expect.stringMatching(/^back ends: /),
    'packets: reach a node as the client sent them, and it answers the client directly from the address of the load balancer',
    'kube-proxy: sends to pods on any node',
    expect.stringMatching(/^pods: /),
  ]);
});

test('a Service of which nothing is made yet, in a cluster without cloud nodes, is told hop by hop too', () => {
  const seen = { nodes: nodes.slice(2), endpoints: { ready: 0, nodes: new Set<string>() } };
  const path = planPathOfService(seenWith({ status: { loadBalancer: {} }, record: '{"uses":"made"}', seen }));
  expect(path).toEqual([
    'client: calls nobody, because no address is published yet',
    'load balancer: not made yet',
    'listeners: TCP 80 to node port 30080',
    'back ends: 0 of 0 cloud nodes',
    'kube-proxy: sends to pods on any node',
    'pods: 0 ready; cloud nodes with ready pods: none; site machines with ready pods: none',
    'fails at pods: the Service has no selector, and no EndpointSlice with its name has an endpoint: add a selector, or an EndpointSlice',
  ]);
});

test('a cluster all of whose cloud nodes are back ends has nothing to tell of the others', () => {
  const endpoints = { ready: 1, nodes: new Set(['web-1']) };
  expect(planPathOfService(seenWith({ seen: { nodes: [web], endpoints } }))[3]).toBe('back ends: 1 of 1 cloud nodes');
});

test('a Service that says nothing of itself has the type that it has by default', () => {
  const service: ServiceObject = { metadata: { name: 'shop', namespace: 'default' } };
  expect(planPathOfService({ ...seenWith({}), service })).toEqual([
    'its type is ClusterIP, so it has no load balancer',
  ]);
});

test('a Service that is given up and has no ports any more is told hop by hop', () => {
  const { service, ...seen } = seenWith({});
  const finalizers = ['service.kubernetes.io/load-balancer-cleanup'];
  const { spec: _, ...bare } = { ...service, metadata: { ...service.metadata, finalizers } };
  const path = planPathOfService({ ...seen, service: bare });
  expect([path[0], path[2], path[4]]).toEqual([
    'client: calls nobody, because no address is published yet',
    'listeners: ',
    'kube-proxy: sends to pods on any node',
  ]);
  const all = [{ pod: 'shop-1', node: 'web-1', address: '10.9.0.20', isReady: true, ports: {} }];
  const endpoints = { ready: 1, nodes: new Set(['web-1']), all };
  expect(planPathOfService(directly({ ...seen, endpoints, service: bare }))[3]).toBe(
    'back ends: 1 pod, without a node in between',
  );
});

test('a Service that there is not has neither path nor finding', () => {
  expect([planPathOfService(undefined), planExplainService(undefined)]).toEqual([[], []]);
});

test('conditions of others, and a status without any, are no word of the controller', () => {
  const [others] = said('False', 'of others')?.conditions ?? [];
  if (others === undefined) throw new Error('there is no condition');
  const told = (conditions: readonly (typeof others)[]): readonly string[] =>
    planExplainService(seenWith({ status: { loadBalancer: {}, conditions } }));
  expect(told([{ ...others, type: 'example.com/Other' }])[0]).toMatch(/the controller has not looked at it yet/);
  expect(told([])[0]).toMatch(/the controller has not looked at it yet/);
  expect(planExplainService(seenWith({ status: { loadBalancer: {} } }))[0]).toMatch(/has not looked at it yet/);
});

test('a Service that is not ours to serve has no path but the reason', () => {
  expect(planPathOfService(seenWith({ spec: { type: 'ClusterIP' } }))).toEqual([
    'its type is ClusterIP, so it has no load balancer',
  ]);
  expect(planPathOfService(seenWith({ spec: { loadBalancerClass: 'metallb.io/metallb' } }))).toEqual([
    'loadBalancerClass is metallb.io/metallb, which another controller serves; ours is isthmus.dev/balancer',
  ]);
  expect(planExplainService(seenWith({ spec: { type: 'ClusterIP' } }))).toEqual([]);
  const { service, ...seen } = seenWith({});
  const metadata = {
    ...service.metadata,
    deletionTimestamp: '2026-11-30T12:00:00Z',
    finalizers: ['example.com/other'],
  };
  for (const loadBalancerClass of [undefined, 'isthmus.dev/balancer'])
    expect(
      planPathOfService({
        ...seen,
        service: { metadata, spec: { ...service.spec, ...(loadBalancerClass !== undefined && { loadBalancerClass }) } },
      }),
    ).toEqual(['it is being deleted, and nothing of it is left in the cloud']);
});

test('what the controller says against a Service is its finding; one that it has never looked at is a finding too', () => {
  expect(planExplainService(seenWith({ status: said('True', 'well') }))).toEqual([]);
  expect(planExplainService(seenWith({ status: said('False', 'a quota') }))).toEqual(['a quota']);
  expect(planExplainService(seenWith({ status: said('Unknown', 'being made') }))).toEqual(['being made']);
  expect(planExplainService(seenWith({}))[0]).toMatch(/the controller has not looked at it yet, or does not run/);
});

test.each([
  ['one pod', 1, '1 pod'],
  ['two pods', 2, '2 pods'],
])('straight to pods there is neither node port nor kube-proxy: %s', (_title, count, told) => {
  const all = Array.from({ length: count }, (_, at) => ({
    pod: `shop-${at}`,
    node: 'web-1',
    address: `10.9.0.${20 + at}`,
    isReady: true,
    ports: { '': 8080 },
  }));
  const endpoints = { ready: count, nodes: new Set(['web-1']), all };
  const path = planPathOfService(directly(seenWith({ status: said('True', 'well'), seen: { endpoints } })));
  expect(path.slice(2)).toEqual([
    'listeners: TCP 80',
    `back ends: ${told}, without a node in between`,
    `pods: ${count} ready; cloud nodes with ready pods: web-1; site machines with ready pods: none`,
  ]);
});

test('where a pod cannot be a back end itself, or one waits to be ready, the path goes as it does', () => {
  const pod = { pod: 'shop-1', node: 'web-1', address: '10.9.0.20', isReady: true, ports: { '': 8080 } };
  const pathWith = (all: readonly (typeof pod)[] | undefined): readonly string[] => {
    const ready = all?.filter(({ isReady }) => isReady).length ?? 1;
    const endpoints = { ready, nodes: new Set(['web-1']), ...(all && { all }) };
    return planPathOfService(directly(seenWith({ status: said('True', 'well'), seen: { endpoints } })));
  };
  const onSite = pathWith([pod, { ...pod, pod: 'shop-2', node: 'base-1', address: '172.16.0.9' }]);
  expect(onSite.slice(2, 5)).toEqual([
    'listeners: TCP 80 to node port 30080',
    expect.stringMatching(/^back ends: 1 of 2 cloud nodes/),
    'kube-proxy: sends to pods on any node',
  ]);
  expect(pathWith([pod, { ...pod, pod: 'shop-2', address: '10.9.0.21', isReady: false }])[3]).toMatch(/: 1 pod,/);
  const ports = [{ name: 'web', port: 80, nodePort: 30_080 }];
  const endpoints = { ready: 1, nodes: new Set(['web-1']), all: [pod] };
  const nameless = seenWith({ spec: { ports }, status: said('True', 'well'), seen: { endpoints } });
  expect(planPathOfService(directly(nameless))[2]).toBe('listeners: TCP 80 to node port 30080');
  expect(pathWith(undefined)[3]).toBe('back ends: 0 pods, without a node in between');
});

function directly(seen: ExplainSeen): ExplainSeen {
  const { metadata } = seen.service;
  const annotations = { ...metadata.annotations, 'isthmus.dev/balancer-targets': 'pods' };
  return { ...seen, service: { ...seen.service, metadata: { ...metadata, annotations } } };
}
