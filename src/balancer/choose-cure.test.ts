import { expect, test } from 'vitest';
import type { CloudFailure } from '#cloud/failure.ts';
import { chooseCure, type Refused } from './choose-cure.ts';

const raw = { action: 'Any', code: '4207', message: 'no' };
const failures = {
  quota: { kind: 'quota', raw },
  exhausted: { kind: 'exhausted', what: 'addresses', raw },
  billing: { kind: 'billing', raw },
  denied: { kind: 'denied', raw },
  invalid: { kind: 'invalid', raw },
} as const satisfies Record<string, CloudFailure>;

const create = { do: 'create', wish: { subnet: 'subnet-1' } };
const allocate = { do: 'allocate' };

test.each<[string, keyof typeof failures, Refused, string | undefined]>([
  [
    'no more NLBs',
    'quota',
    { step: create, layer: 'network', kind: 'Service' },
    'the account may have no more load balancers of this kind (NLB): delete one that is not needed, or have the quota raised, and it is made by itself; or name one that exists in isthmus.dev/balancer-id, or another kind in isthmus.dev/balancer-kind',
  ],
  [
    'no more CLB4s',
    'quota',
    { step: create, layer: 'direct', kind: 'Service' },
    'the account may have no more load balancers of this kind (CLB4): delete one that is not needed, or have the quota raised, and it is made by itself; or name one that exists in isthmus.dev/balancer-id, or another kind in isthmus.dev/balancer-kind',
  ],
  [
    'no more ALBs, for an Ingress, which has no other kind',
    'quota',
    { step: create, layer: 'application', kind: 'Ingress' },
    'the account may have no more load balancers of this kind (ALB): delete one that is not needed, or have the quota raised, and it is made by itself; or name one that exists in isthmus.dev/balancer-id',
  ],
  [
    'a full subnet',
    'exhausted',
    { step: create, layer: 'application', kind: 'Ingress' },
    'the subnet subnet-1 has no address left: free some, or name another subnet in isthmus.dev/balancer-subnet; it is tried again by itself',
  ],
  [
    'a full subnet whose name is not known',
    'exhausted',
    { step: { do: 'create', wish: {} }, layer: 'network', kind: 'Service' },
    'the subnet has no address left: free some, or name another subnet in isthmus.dev/balancer-subnet; it is tried again by itself',
  ],
  [
    'a full subnet of a step without a wish',
    'exhausted',
    { step: { do: 'create' }, layer: 'network', kind: 'Service' },
    'the subnet has no address left: free some, or name another subnet in isthmus.dev/balancer-subnet; it is tried again by itself',
  ],
  [
    'no more EIPs',
    'quota',
    { step: allocate, layer: 'network', kind: 'Service' },
    'the account may have no more public addresses (EIP): release one that is not needed, or have the quota raised, and it is given by itself; or set isthmus.dev/balancer-access to private',
  ],
  [
    'no EIP in the region',
    'exhausted',
    { step: allocate, layer: 'application', kind: 'Ingress' },
    'the region has no public address (EIP) left for now: it is tried again by itself; or name another line in isthmus.dev/balancer-operator, or set isthmus.dev/balancer-access to private',
  ],
  [
    'a bill',
    'billing',
    { step: allocate, layer: 'network', kind: 'Service' },
    "settle it in the provider's console: it is tried again by itself",
  ],
  [
    'a certificate that does not exist',
    'invalid',
    { step: { do: 'listen', wish: { certificates: ['ssl-1'] } }, layer: 'application', kind: 'Service' },
    'look whether the project has the certificates that isthmus.dev/balancer-certificates names; it is tried again by itself',
  ],
  [
    'a listener of HTTP',
    'invalid',
    { step: { do: 'listen', wish: { port: 80 } }, layer: 'application', kind: 'Service' },
    undefined,
  ],
  ['rights', 'denied', { step: create, layer: 'network', kind: 'Service' }, undefined],
  ['a wrong wish', 'invalid', { step: allocate, layer: 'network', kind: 'Service' }, undefined],
  ['more listeners than one takes', 'quota', { step: { do: 'listen' }, layer: 'network', kind: 'Service' }, undefined],
  ['more rules than one takes', 'quota', { step: { do: 'route' }, layer: 'application', kind: 'Ingress' }, undefined],
])('what helps against %s', (_title, failed, refused, cure) => {
  expect(chooseCure(failures[failed], refused)).toBe(cure);
});
