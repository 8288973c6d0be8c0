import { describe, expect, test } from 'vitest';
import type { CloudBackEnd, CloudListener } from '#cloud/balancer.ts';
import type { Inbound } from '#cloud/inbound.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { ms } from '#unit/clock.ts';
import { cidr, ip } from '#unit/ip.ts';
import type { EndpointSeen, EndpointsSeen } from './endpoints.ts';
import {
  type Expected,
  expectedOf,
  planClosedPorts,
  planEndpointFaults,
  planUnhealthy,
  sentTo,
} from './plan-checks.ts';

const pod: EndpointSeen = { pod: 'shop-1', node: 'web-1', address: '10.9.0.20', isReady: true, ports: { http: 8080 } };
const expected: Expected = {
  selector: { app: 'shop', tier: 'web' },
  ports: [{ name: 'http', port: 80, target: 8080 }],
};

function seen(...all: readonly EndpointSeen[]): EndpointsSeen {
  return { ready: all.filter(({ isReady }) => isReady).length, nodes: new Set(['web-1']), all };
}

const noneOf = (text: string) => [{ reason: 'NoEndpoint', message: text }];
const endpointCases: readonly [string, Partial<Expected>, EndpointsSeen, readonly object[]][] = [
  ['a pod that answers each port', {}, seen(pod), []],
  [
    'a selector that matches nothing',
    {},
    seen(),
    noneOf(
      'its selector app=shop,tier=web matches no running pod: compare it with the labels of the pods (kubectl get pods --show-labels)',
    ),
  ],
  [
    'neither a selector nor an endpoint',
    { selector: undefined },
    seen(),
    noneOf(
      'the Service has no selector, and no EndpointSlice with its name has an endpoint: add a selector, or an EndpointSlice',
    ),
  ],
  [
    'pods that are not ready',
    {},
    seen({ ...pod, pod: 'shop-2', isReady: false }, { ...pod, isReady: false }, { ...pod, isReady: false }),
    noneOf('none of its pods is ready (shop-1, shop-2): see why with kubectl describe pod shop-1'),
  ],
  [
    'as many pods that are not ready as are named',
    {},
    seen(...['c', 'b', 'a'].map((name) => ({ ...pod, pod: name, isReady: false }))),
    noneOf('none of its pods is ready (a, b, c): see why with kubectl describe pod a'),
  ],
  [
    'many pods that are not ready',
    {},
    seen(...['d', 'c', 'b', 'a', 'e'].map((name) => ({ ...pod, pod: name, isReady: false }))),
    noneOf('none of its pods is ready (a, b, c and 2 more): see why with kubectl describe pod a'),
  ],
  [
    'an endpoint by hand that is not ready',
    {},
    seen({ ...pod, pod: undefined, isReady: false }),
    noneOf('none of its pods is ready (10.9.0.20): see why with kubectl describe pod 10.9.0.20'),
  ],
  [
    'nothing known of endpoints',
    {},
    { ready: 0, nodes: new Set() },
    [{ reason: 'NoEndpoint', message: expect.stringMatching(/^its selector/) as string }],
  ],
  [
    'a target port that no pod has',
    { ports: [...expected.ports, { name: 'admin', port: 81, target: 'admin-web' }] },
    seen(pod),
    [
      {
        reason: 'PortUnanswered',
        message:
          'no ready pod answers port 81: its targetPort "admin-web" is the name of no container port of theirs; add the name to the pods, or write the number as targetPort',
      },
    ],
  ],
  [
    'a port that an EndpointSlice by hand lacks',
    { ports: [{ name: 'admin', port: 81, target: 8081 }] },
    seen(pod),
    [
      {
        reason: 'PortUnanswered',
        message: 'no ready endpoint answers port 81: its EndpointSlices do not have the port; add it to them',
      },
    ],
  ],
  [
    'a port that only a pod has that is not ready',
    { ports: [{ name: 'admin', port: 81, target: 'admin' }] },
    seen(pod, { ...pod, isReady: false, ports: { admin: 81 } }),
    [{ reason: 'PortUnanswered' }],
  ],
  [
    'a port that one of two pods has',
    { ports: [{ name: 'admin', port: 81, target: 'admin' }] },
    seen(pod, { ...pod, ports: { admin: 81 } }),
    [],
  ],
  ['ready pods of which the ports are not known', {}, { ready: 1, nodes: new Set() }, []],
];
test.each(endpointCases)('endpoints: %s', (_title, change, endpoints, faults) => {
  const found = planEndpointFaults({ ...expected, ...change }, endpoints);
  expect(found).toHaveLength(faults.length);
  expect(found).toMatchObject(faults);
});

test('what a Service expects of its pods is read from its spec', () => {
  const metadata = { name: 'shop', namespace: 'default' };
  const ports = [{ name: 'http', port: 80, targetPort: 'web' }, { port: 81 }];
  const service: ServiceObject = { metadata, spec: { selector: { app: 'shop' }, ports } };
  expect(expectedOf(service)).toEqual({
    selector: { app: 'shop' },
    ports: [
      { name: 'http', port: 80, target: 'web' },
      { name: '', port: 81, target: undefined },
    ],
  });
  expect(expectedOf({ metadata, spec: { selector: {} } })).toEqual({ selector: undefined, ports: [] });
  expect(expectedOf({ metadata })).toEqual({ selector: undefined, ports: [] });
});

const nodePort = (machines: readonly string[] = ['uhost-1'], port = 30_080, protocol: 'TCP' | 'UDP' = 'TCP') =>
  ({ protocol, port, machines, open: '30000-32767' }) as const;

test('what is sent to nodes goes to their node ports, and what is sent to pods to the ports where they answer', () => {
  const listeners = [
    { protocol: 'TCP', port: 80, nodePort: 30_080, name: 'http' },
    { protocol: 'TCP', port: 443, nodePort: 30_443, name: 'tls' },
  ] as const;
  expect(sentTo({ machines: ['uhost-1'] }, listeners)).toEqual([nodePort(), nodePort(['uhost-1'], 30_443)]);
  const pod = (last: number, machine: string, ports: object) => ({
    address: ip(`10.9.128.${last}`),
    machine,
    ports: { ...ports },
  });
  const pods = [pod(1, 'b', { http: 8080 }), pod(2, 'a', { http: 8080, tls: 8443 }), pod(3, 'a', { http: 8080 })];
  expect(sentTo({ machines: [], pods }, listeners)).toEqual([
    { protocol: 'TCP', port: 8080, machines: ['a', 'b'], open: '8080' },
    { protocol: 'TCP', port: 8443, machines: ['a'], open: '8443' },
  ]);
});

describe('security groups', () => {
  const rule = {
    group: 'g-1',
    admits: true,
    protocol: 'TCP',
    from: [cidr('10.9.0.0/24')],
    ports: [{ first: 30_000, last: 30_100 }],
  };
  const guarded: Inbound = { guarded: true, groups: ['g-1'], rules: [rule] };
  const deaf: Inbound = { guarded: true, groups: ['g-2'], rules: [] };
  const sending = {
    senders: [ip('10.9.0.3')],
    subnet: 'subnet-1',
    to: [nodePort()],
    inbound: new Map([['uhost-1', guarded]]),
  };
  const cases: readonly [string, Partial<Parameters<typeof planClosedPorts>[0]>, readonly string[]][] = [
    ['that let the node port in', {}, []],
    ['of which nothing is known', { inbound: new Map() }, []],
    ['of a machine that has none', { inbound: new Map([['uhost-1', { guarded: false } as const]]) }, []],
    ['while the cloud does not say who sends', { senders: [], inbound: new Map([['uhost-1', deaf]]) }, []],
    ['of a machine that is no back end', { to: [nodePort([])], inbound: new Map([['uhost-1', deaf]]) }, []],
    [
      'that close the port',
      { to: [nodePort(['uhost-1'], 30_080, 'UDP')] },
      [
        'the security group g-1 closes UDP port 30080 of uhost-1 to the load balancer (10.9.0.3): add a rule that accepts UDP 30000-32767 from subnet subnet-1',
      ],
    ],
    [
      'that close it to one of two senders',
      { senders: [ip('10.9.0.3'), ip('10.9.1.3')] },
      [
        'the security group g-1 closes TCP port 30080 of uhost-1 to the load balancer (10.9.0.3, 10.9.1.3): add a rule that accepts TCP 30000-32767 from subnet subnet-1',
      ],
    ],
    [
      'of as many machines as are named',
      { to: [nodePort(['a', 'b', 'c'])], inbound: new Map(['a', 'b', 'c'].map((id) => [id, deaf])) },
      [
        'the security group g-2 closes TCP port 30080 of a, b, c to the load balancer (10.9.0.3): add a rule that accepts TCP 30000-32767 from subnet subnet-1',
      ],
    ],
    [
      'of several machines',
      {
        to: [30_080, 30_101].map((port) => nodePort(['uhost-1', 'uhost-2', 'uhost-3', 'uhost-4', 'uhost-5'], port)),
        inbound: new Map([
          ['uhost-1', deaf],
          ['uhost-2', deaf],
          ['uhost-3', deaf],
          ['uhost-4', deaf],
          ['uhost-5', guarded],
        ]),
      },
      [
        'the security group g-2 closes TCP port 30080 of uhost-1, uhost-2, uhost-3 and 1 more to the load balancer (10.9.0.3): add a rule that accepts TCP 30000-32767 from subnet subnet-1',
        'the security group g-1 or g-2 closes TCP port 30101 of uhost-1, uhost-2, uhost-3 and 2 more to the load balancer (10.9.0.3): add a rule that accepts TCP 30000-32767 from subnet subnet-1',
      ],
    ],
  ];
  test.each(cases)('%s', (_title, change, messages) => {
    const found = planClosedPorts({ ...sending, ...change });
    expect(found).toEqual(messages.map((message) => ({ reason: 'PortClosed', message })));
  });
});

describe('checks of the load balancer', () => {
  const node: CloudBackEnd = { id: 'target-1', machine: 'uhost-1', port: 30_080, healthy: false };
  const direct: CloudBackEnd = {
    id: 'target-2',
    address: ip('10.9.0.20'),
    vpc: 'vpc-1',
    subnet: 'subnet-1',
    port: 8080,
    healthy: false,
  };
  const listener: CloudListener = {
    id: 'listener-1',
    mark: 'shop',
    owner: 'u-1',
    protocol: 'TCP',
    port: 80,
    lastPort: 80,
    scheduler: 'round-robin',
    sticky: ms(0),
    proxyProtocol: false,
    checkPort: 10_256,
    backEnds: [],
  };
  const nodesFail =
    /^no back end of TCP port 80 passes the check of the load balancer on port 10256: let the nodes accept/;
  const cases: readonly [string, Partial<CloudListener>, readonly RegExp[]][] = [
    ['without back ends', {}, []],
    ['that all fail on nodes', { backEnds: [node, { ...node, id: 'target-3' }] }, [nodesFail]],
    ['that fail on one of two', { backEnds: [node, { ...node, healthy: true }] }, []],
    ['that have not been made', { backEnds: [node, { ...node, healthy: undefined }] }, []],
    ['that fail on pods', { backEnds: [direct], checkPort: 8080 }, [/on port 8080: look whether the pods listen/]],
    ['that fail on nodes and on pods', { backEnds: [direct, node] }, [nodesFail]],
    ['on a port that is not known', { backEnds: [node], checkPort: undefined }, [/on port \(unknown\)/]],
  ];
  test.each(cases)('%s', (_title, change, messages) => {
    const found = planUnhealthy([{ ...listener, ...change }]);
    expect(found).toEqual(
      messages.map((message) => ({ reason: 'ChecksFail', message: expect.stringMatching(message) })),
    );
  });
});
