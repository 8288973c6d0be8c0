import { expect, test } from 'vitest';
import type { PodObject } from '#kube/resources.ts';
import { type GatedPod, type GateService, gatedPod, planGate, selects } from './plan-gate.ts';

const type = 'isthmus.dev/balancer';
const before = '2026-11-29T06:00:00.000Z';
const at = '2026-11-29T06:01:00.000Z';
const pod: GatedPod = {
  namespace: 'default',
  name: 'web-1',
  labels: { app: 'web' },
  address: '10.9.128.7',
  isFit: true,
  said: undefined,
};
const open = {
  type,
  status: 'True',
  reason: 'BalancersSend',
  message: 'every load balancer that sends to pods sends to this one',
} as const;
const waits = (services: string) =>
  ({
    type,
    status: 'False',
    reason: 'BalancerChecks',
    message: `waiting until the load balancer of Service ${services} finds this pod healthy`,
  }) as const;
const of = (key: string, stands: GateService['stands']): GateService => ({ key: `Service ${key}`, stands });

test.each<[string, Partial<GatedPod>, readonly GateService[], ReturnType<typeof planGate>]>([
  ['opens at once where no Service sends to pods', {}, [], { ...open, lastTransitionTime: at }],
  ['opens at once where Services send to nodes', {}, [of('a/b', 'not-concerned')], { ...open, lastTransitionTime: at }],
  [
    'opens when all balancers find the pod healthy',
    {},
    [of('a/b', 'well'), of('a/c', 'well')],
    { ...open, lastTransitionTime: at },
  ],
  [
    'stays shut while one does not',
    {},
    [of('a/b', 'well'), of('a/c', 'not-yet')],
    { ...waits('a/c'), lastTransitionTime: at },
  ],
  [
    'stays shut while it is not known what a Service does, and names all in order',
    {},
    [of('a/d', 'not-yet'), of('a/c', 'unknown')],
    { ...waits('a/c, Service a/d'), lastTransitionTime: at },
  ],
  ['says nothing twice', { said: { ...waits('a/c'), lastTransitionTime: before } }, [of('a/c', 'not-yet')], undefined],
  [
    'says when it waits for another Service, since the same time',
    { said: { ...waits('a/c'), lastTransitionTime: before } },
    [of('a/d', 'not-yet')],
    { ...waits('a/d'), lastTransitionTime: before },
  ],
  [
    'opens later',
    { said: { ...waits('a/c'), lastTransitionTime: before } },
    [of('a/c', 'well')],
    { ...open, lastTransitionTime: at },
  ],
  ['never shuts again', { said: { ...open, lastTransitionTime: before } }, [of('a/c', 'not-yet')], undefined],
  ['of a pod that lacks more stays as it is', { isFit: false }, [of('a/c', 'well')], undefined],
])('a gate %s', (_title, change, services, said) => {
  expect(planGate({ ...pod, ...change }, services, at)).toEqual(said);
});

const ready = { type: 'ContainersReady', status: 'True' };
test.each<[string, PodObject['spec'], NonNullable<PodObject['status']>['conditions'], object, boolean]>([
  ['its containers are ready', { readinessGates: [{ conditionType: type }] }, [ready], {}, true],
  ['they are not', { readinessGates: [{ conditionType: type }] }, [{ ...ready, status: 'False' }], {}, false],
  ['it has no condition yet', { readinessGates: [{ conditionType: type }] }, undefined, {}, false],
  ['it has no gate', {}, [ready], {}, false],
  [
    'it has the gate of somebody else',
    { readinessGates: [{ conditionType: 'x/y' }] },
    [ready, { type: 'x/y', status: 'True' }],
    {},
    false,
  ],
  ['another gate is shut', { readinessGates: [{ conditionType: type }, { conditionType: 'x/y' }] }, [ready], {}, false],
  [
    'another gate is open',
    { readinessGates: [{ conditionType: type }, { conditionType: 'x/y' }] },
    [ready, { type: 'x/y', status: 'True' }],
    {},
    true,
  ],
  ['it is being deleted', { readinessGates: [{ conditionType: type }] }, [ready], { deletionTimestamp: at }, false],
])('whether a pod lacks nothing but the gate: %s', (_title, spec, conditions, metadata, isFit) => {
  const status = { podIP: '10.9.128.7', ...(conditions !== undefined && { conditions }) };
  const seen = { metadata: { namespace: 'default', name: 'web-1', labels: { app: 'web' }, ...metadata }, spec, status };
  expect(gatedPod(seen as PodObject)).toEqual({ ...pod, isFit });
});

test('a pod that nobody has reported of yet has no address, and lacks more than the gate', () => {
  const spec = { readinessGates: [{ conditionType: type }] } as unknown as NonNullable<PodObject['spec']>;
  const metadata = { namespace: 'default', name: 'web-1', labels: { app: 'web' } };
  expect(gatedPod({ metadata, spec })).toEqual({ ...pod, address: undefined, isFit: false });
});

test('what a gate says is seen', () => {
  const said = { ...open, lastTransitionTime: before };
  const seen = gatedPod({ metadata: { name: 'web-1' }, status: { conditions: [ready, said] } });
  expect(seen).toMatchObject({ said, namespace: '', labels: {}, address: undefined });
});

test.each([
  [{ app: 'web' }, true],
  [{ app: 'web', tier: 'front' }, false],
  [{ app: 'shop' }, false],
  [{}, false],
  [undefined, false],
])('the selector %j takes a pod: %s', (selector, expected) => {
  expect(selects(selector as Record<string, string> | undefined, { app: 'web', version: '2' })).toBe(expected);
});
