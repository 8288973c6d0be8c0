import { expect, test } from 'vitest';
import type { Condition } from '#kube/api/condition.ts';
import type { IngressObject } from '#kube/resources.ts';
import type { NodeSeen } from '../choose-back-ends.ts';
import type { EndpointsSeen } from '../endpoints.ts';
import type { ServiceSeen } from './choose-targets.ts';
import { type ExplainIngressSeen, planExplainIngress, planPathOfIngress } from './plan-explain-ingress.ts';

const node = {
  name: 'web-1',
  ground: { ground: 'cloud' as const, provider: 'ucloud', zone: 'z', id: 'uhost-1' },
  isReady: true,
  isExcluded: false,
  isLeaving: false,
} satisfies NodeSeen;
const web: ServiceSeen = { type: 'NodePort', isLocal: false, ports: [{ port: 80, nodePort: 30_080 }] };
const pod = { pod: 'web-a', node: 'web-1', address: '10.9.0.20', isReady: true, ports: { '': 8080 } };
const endpoints: EndpointsSeen = { ready: 1, nodes: new Set(['web-1']), all: [pod] };
const backend = { service: { name: 'web', port: { number: 80 } } };
const ingress: IngressObject = {
  metadata: {
    name: 'shop',
    namespace: 'shop',
    uid: 'u-1',
    finalizers: ['isthmus.dev/balancer'],
    annotations: { 'isthmus.dev/balancer-record': '{"uses":"made","layer":"application","balancer":"alb-1"}' },
  },
  spec: {
    ingressClassName: 'alb',
    rules: [{ host: 'shop.example', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }],
  },
  status: { loadBalancer: { ingress: [{ ip: '106.75.0.1' }] } },
};
const saying = (status: Condition['status'], reason: string, message: string): Condition => ({
  type: 'isthmus.dev/Balancer',
  status,
  reason,
  message,
  lastTransitionTime: '2026-11-29T12:00:00Z',
});

function seen(change: Partial<ExplainIngressSeen> = {}): ExplainIngressSeen {
  return {
    ingress,
    said: saying('True', 'Serving', 'well'),
    classes: new Map([
      ['alb', 'isthmus.dev/alb'],
      ['contour', 'projectcontour.io/ingress-controller'],
    ]),
    backends: new Map([['web', { service: web, endpoints }]]),
    nodes: [node],
    ...change,
  };
}

const path = [
  'client: calls 106.75.0.1',
  'load balancer: alb-1',
  'listeners: HTTP 80',
  'rules: shop.example/ to web; anything else is answered 404',
  'back ends: 1 pod, without a node in between, for web',
  'pods: 1 ready of web',
];

test('an Ingress that is served has nothing against it, and a path from the client to the pods', () => {
  expect(planExplainIngress(seen())).toEqual([]);
  expect(planPathOfIngress(seen())).toEqual(path);
});

test('the first hop at which requests stop is named, with what stands against the Ingress', () => {
  const fault = seen({ said: saying('False', 'SecretUnusable', 'Secret tls cannot be used') });
  expect(planExplainIngress(fault)).toEqual(['Secret tls cannot be used']);
  expect(planPathOfIngress(fault)).toEqual([...path, 'fails at listeners: Secret tls cannot be used']);
  const harmless = seen({ said: saying('False', 'CannotChange', 'the subnet') });
  expect(planPathOfIngress(harmless)).toEqual(path);
});

test('an Ingress that nobody has looked at says so', () => {
  const { status: _, ...rest } = ingress;
  const bare = { ...rest, metadata: { name: 'shop', namespace: 'shop' } };
  const fresh = seen({ ingress: bare, said: undefined, backends: new Map() });
  expect(planExplainIngress(fresh)).toEqual([expect.stringMatching(/^the controller has not looked at it yet/)]);
  expect(planPathOfIngress(fresh)).toEqual([
    'client: calls nobody, because no address is published yet',
    'load balancer: not made yet',
    ...path.slice(2, 4),
    'back ends: none for web (Service web does not exist: create it, or name another one)',
  ]);
  expect([planExplainIngress(undefined), planPathOfIngress(undefined)]).toEqual([[], []]);
});

test('certificates, ports, a default backend and node ports are shown', () => {
  const annotations = {
    'isthmus.dev/balancer-record': '{"uses":"existing","layer":"application","balancer":"alb-9"}',
    'isthmus.dev/balancer-targets': 'nodes',
  };
  const spec = { ...ingress.spec, tls: [{ hosts: ['shop.example'], secretName: 'tls' }], defaultBackend: backend };
  const shown = planPathOfIngress(
    seen({ ingress: { ...ingress, spec, status: {}, metadata: { ...ingress.metadata, annotations } } }),
  );
  expect(shown).toEqual([
    'client: calls nobody, because no address is published yet',
    'load balancer: alb-9, which is not ours',
    'listeners: HTTP 80, HTTPS 443',
    'rules: shop.example/ to web; anything else to web',
    'back ends: 1 cloud node, node port 30080, for web',
    'pods: 1 ready of web',
  ]);
  const listen = { ...annotations, 'isthmus.dev/balancer-listen': '[{"HTTP": 8080}]' };
  const other = planPathOfIngress(
    seen({ ingress: { ...ingress, metadata: { ...ingress.metadata, annotations: listen } } }),
  );
  expect(other[2]).toBe('listeners: HTTP 8080');
});

test('a certificate of the cloud alone makes a port for HTTPS', () => {
  const annotations = { ...ingress.metadata.annotations, 'isthmus.dev/balancer-certificates': 'ssl-1' };
  const shown = planPathOfIngress(seen({ ingress: { ...ingress, metadata: { ...ingress.metadata, annotations } } }));
  expect(shown[2]).toBe('listeners: HTTP 80, HTTPS 443');
});

test('each Service and port that is named has a line, however many paths name it', () => {
  const named = (name: string, number: number) => ({ service: { name, port: { number } } });
  const paths = [
    { path: '/', pathType: 'Prefix', backend },
    { path: '/shop', pathType: 'Prefix', backend },
    { path: '/admin', pathType: 'Prefix', backend: named('web', 81) },
  ];
  const spec = { ingressClassName: 'alb', rules: [{ http: { paths } }], defaultBackend: named('rest', 80) };
  const status = { loadBalancer: { ingress: [{ ip: '106.75.0.1' }, { hostname: 'shop' }, { ip: '106.75.0.2' }] } };
  const two = { ...endpoints, ready: 2, all: [pod, { ...pod, pod: 'web-b', address: '10.9.0.21' }] };
  const service = { ...web, ports: [...web.ports, { name: 'admin', port: 81, nodePort: 30_081 }] };
  const shown = planPathOfIngress(
    seen({
      ingress: { ...ingress, spec, status },
      backends: new Map([['web', { service, endpoints: two }]]),
      nodes: [node, { ...node, name: 'web-2', ground: { ...node.ground, id: 'uhost-2' } }],
    }),
  );
  expect(shown).toEqual([
    'client: calls 106.75.0.1, 106.75.0.2',
    ...path.slice(1, 3),
    'rules: */ to web; */shop to web; */admin to web; anything else to rest',
    'back ends: 2 pods, without a node in between, for web',
    'back ends: 2 cloud nodes, node port 30081, for web',
    'back ends: none for rest (Service rest does not exist: create it, or name another one)',
    'pods: 2 ready of web',
  ]);
});

test.each<[string, Partial<ExplainIngressSeen>, string]>([
  [
    'none, with each reason',
    { nodes: [] },
    'none for web (no pod of Service web is ready: isthmus explain service web says why; no cloud node can be a back end for Service web: add one under cloudMachines)',
  ],
  [
    'those that there are, with what stands against them',
    {},
    '1 cloud node, node port 30080, for web (no pod of Service web is ready: isthmus explain service web says why)',
  ],
  [
    'no node of the site',
    { nodes: [{ ...node, name: 'base-1', ground: { ground: 'site', machine: 'base-1' } }, node] },
    '1 cloud node, node port 30080, for web (no pod of Service web is ready: isthmus explain service web says why)',
  ],
])('of the back ends on nodes it shows %s', (_title, change, line) => {
  const annotations = { 'isthmus.dev/balancer-targets': 'nodes' };
  const unready = { ready: 0, nodes: new Set<string>(), all: [{ ...pod, isReady: false }] };
  const shown = planPathOfIngress(
    seen({
      ingress: { ...ingress, metadata: { ...ingress.metadata, annotations } },
      backends: new Map([['web', { service: web, endpoints: unready }]]),
      ...change,
    }),
  );
  expect(shown.find((one) => one.startsWith('back ends'))).toBe(`back ends: ${line}`);
});

test('a pod that is not ready is no back end, and no gate is taken for open', () => {
  const unready = { ready: 0, nodes: new Set<string>(), all: [{ ...pod, isReady: false }] };
  const shown = planPathOfIngress(seen({ backends: new Map([['web', { service: web, endpoints: unready }]]) }));
  expect(shown.slice(4)).toEqual([
    'back ends: none for web (no pod of Service web is ready: isthmus explain service web says why)',
    'pods: 0 ready of web',
  ]);
});

test('an Ingress that left our class shows its path while something of it may be in the cloud', () => {
  const spec = { ...ingress.spec, ingressClassName: 'contour' };
  expect(planPathOfIngress(seen({ ingress: { ...ingress, spec } }))).toEqual(path);
});

test('an Ingress of another class, or of none, says who serves it', () => {
  const of = (ingressClassName: string | undefined): ExplainIngressSeen => {
    const { finalizers: _, ...metadata } = ingress.metadata;
    const spec = ingressClassName === undefined ? {} : { spec: { ingressClassName } };
    const classes = new Map([...seen().classes, ['odd', undefined] as const]);
    return seen({ ingress: { metadata, ...spec }, said: undefined, classes });
  };
  expect(planPathOfIngress(of('odd'))).toEqual(['its class odd is served by nobody, and not by isthmus.dev/alb']);
  expect(planPathOfIngress(of('contour'))).toEqual([
    'its class contour is served by projectcontour.io/ingress-controller, and not by isthmus.dev/alb',
  ]);
  expect(planPathOfIngress(of(undefined))).toEqual([
    'it has no ingressClassName, so it has no load balancer of ours; ours is alb',
  ]);
  expect(planExplainIngress(of('contour'))).toEqual([]);
});
