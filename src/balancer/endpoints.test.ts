import { expect, test } from 'vitest';
import { EndpointsByService, sliceSeen } from './endpoints.ts';

const slice = (name: string, last: number, ready: boolean | undefined) => ({
  metadata: { name, namespace: 'default', labels: { 'kubernetes.io/service-name': 'web' } },
  endpoints: [
    {
      addresses: [`10.9.128.${last}`],
      nodeName: `web-${last}`,
      targetRef: { kind: 'Pod', name: `pod-${last}` },
      conditions: ready === undefined ? {} : { ready },
    },
  ],
  ports: [{ name: 'http', port: 8080 }, { port: 9090 }, { name: 'all' }],
});

test('the endpoints of a Service are put together from its slices, with where each answers', () => {
  const all = new EndpointsByService();
  expect(all.set('default/web-a', sliceSeen(slice('web-a', 1, true)))).toEqual(['default/web']);
  all.set('default/web-b', sliceSeen(slice('web-b', 2, false)));
  all.set('default/web-c', sliceSeen(slice('web-c', 3, undefined)));
  const one = (last: number, isReady: boolean) => ({
    pod: `pod-${last}`,
    node: `web-${last}`,
    address: `10.9.128.${last}`,
    isReady,
    ports: { http: 8080, '': 9090 },
  });
  expect(all.of('default/web')).toEqual({
    ready: 2,
    nodes: new Set(['web-1', 'web-3']),
    all: [one(1, true), one(2, false), one(3, true)],
  });
  expect(all.set('default/web-a', undefined)).toEqual(['default/web']);
  expect(all.of('default/web')).toMatchObject({ ready: 1, nodes: new Set(['web-3']) });
  expect(all.of('default/other')).toEqual({ ready: 0, nodes: new Set(), all: [] });
});

test('a pod that is being deleted and still answers is not ready, and is known as such', () => {
  const conditions = { ready: false, serving: true, terminating: true };
  const all = new EndpointsByService();
  const { endpoints, ...rest } = slice('web-a', 1, false);
  all.set('default/web-a', sliceSeen({ ...rest, endpoints: endpoints.map((one) => ({ ...one, conditions })) }));
  expect(all.of('default/web')).toMatchObject({ ready: 0, nodes: new Set(), ending: new Set(['web-1']) });
  for (const lacks of [{ serving: false }, { terminating: false }]) {
    const silent = endpoints.map((one) => ({ ...one, conditions: { ...conditions, ...lacks } }));
    all.set('default/web-a', sliceSeen({ ...rest, endpoints: silent }));
    expect(all.of('default/web').ending).toBeUndefined();
  }
});

test('an endpoint that names neither pod nor node nor address is one all the same', () => {
  const { metadata } = slice('by-hand', 1, true);
  const named = { metadata, endpoints: [{ targetRef: { kind: 'Node', name: 'x' } }] };
  expect(sliceSeen(named).endpoints).toEqual([
    { pod: undefined, node: undefined, address: '', isReady: true, ports: {} },
  ]);
  expect(sliceSeen({ metadata: { name: 'none' } })).toEqual({ service: '/', endpoints: [] });
});

test('an address and a port are answered when some Service of the namespace has them', () => {
  const all = new EndpointsByService();
  all.set('default/web-a', sliceSeen(slice('web-a', 1, true)));
  expect(all.answers('default', '10.9.128.1', 8080)).toBe(true);
  expect([
    all.answers('other', '10.9.128.1', 8080),
    all.answers('default', '10.9.128.2', 8080),
    all.answers('default', '10.9.128.1', 8081),
  ]).toEqual([false, false, false]);
});
