import { expect, test } from 'vitest';
import type { ServiceObject } from '#kube/resources.ts';
import type { EndpointsSeen } from './endpoints.ts';
import { planFirstFault } from './plan-first-fault.ts';
import { balancerReasons, isFault, type Reason } from './reasons.ts';

const pod = { pod: 'shop-1', node: 'web-1', address: '10.9.0.20', isReady: true, ports: { '': 8080 } };
const well: EndpointsSeen = { ready: 1, nodes: new Set(['web-1']), all: [pod] };
const none: EndpointsSeen = { ready: 0, nodes: new Set(), all: [] };

type Status = NonNullable<ServiceObject['status']>;

function service(status: 'True' | 'False' | 'Unknown' | undefined, reason = 'Serving', ips = ['106.75.0.1']) {
  const said = { type: 'isthmus.dev/Balancer', status: status ?? 'True', reason, message: `told ${reason}` };
  const other = { ...said, type: 'example.com/Other', status: 'False', reason: 'NoCloudNode', message: 'of others' };
  return {
    metadata: { name: 'shop', namespace: 'default' },
    spec: { type: 'LoadBalancer', selector: { app: 'shop' }, ports: [{ port: 80 }] },
    status: {
      loadBalancer: { ingress: ips.map((ip) => ({ ip })) },
      conditions: [other, ...(status === undefined ? [] : [said])] as unknown as Status['conditions'],
    },
  } as ServiceObject;
}

const cases: readonly [string, ServiceObject, EndpointsSeen, string | undefined][] = [
  ['a Service that is served', service('True'), well, undefined],
  ['a fault of the balancer', service('False', 'CloudRefuses'), well, 'load balancer: told CloudRefuses'],
  ['an address that was taken away', service('False', 'AddressTaken'), well, 'client: told AddressTaken'],
  ['a port in use', service('False', 'PortInUse'), well, 'listeners: told PortInUse'],
  ['a closed node port', service('False', 'PortClosed'), well, 'back ends: told PortClosed'],
  ['Local without reach', service('False', 'LocalUnreachable'), well, 'kube-proxy: told LocalUnreachable'],
  ['of two faults the first hop', service('False', 'PortClosed'), none, 'back ends: told PortClosed'],
  [
    'pods that the condition does not tell of',
    service('True'),
    none,
    'pods: its selector app=shop matches no running pod: compare it with the labels of the pods (kubectl get pods --show-labels)',
  ],
  ['a fault that stops no packet', service('False', 'CannotChange'), well, undefined],
  ['a reason of another version', service('False', 'Later'), well, undefined],
  ['a fault that was put right', service('True', 'PortClosed'), well, undefined],
  ['no address yet, and why', service('Unknown', 'Making', []), well, 'client: told Making'],
  [
    'a fault is told before the address that is missing for it',
    service('False', 'CloudRefuses', []),
    well,
    'load balancer: told CloudRefuses',
  ],
  ['no address, and nobody has looked', service(undefined, '', []), well, 'client: no address is published yet'],
];
test.each(cases)('%s', (_title, seen, endpoints, first) => {
  expect(planFirstFault(seen, endpoints)).toBe(first);
});

test('a Service without status, conditions or balancer in it has no address', () => {
  const { status: _, ...bare } = service('True');
  for (const status of [undefined, {}, { conditions: [] }, { loadBalancer: {} }])
    expect(planFirstFault({ ...bare, ...(status && { status }) }, well)).toBe('client: no address is published yet');
});

test('every reason that stops packets has its hop', () => {
  const harmless = new Set([
    'CannotChange',
    'OnlyExcluded',
    'PodsLeftOut',
    'ClassGone',
    'BalancerMade',
    'AddressGiven',
    'BalancerRemoved',
    'Drift',
  ]);
  for (const reason of Object.keys(balancerReasons) as Reason[])
    if (isFault(reason) && !harmless.has(reason))
      expect([reason, planFirstFault(service('False', reason), well)]).toEqual([
        reason,
        expect.stringMatching(`^(client|load balancer|listeners|rules|back ends|kube-proxy|pods): told ${reason}$`),
      ]);
});
