import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { planFirstFault } from '#balancer/plan-first-fault.ts';
import { balancerReasons } from '#balancer/reasons.ts';
import type { ServiceObject } from '#kube/resources.ts';

const page = readFileSync(join(import.meta.dirname, '../../../docs/guide/services-troubleshooting.md'), 'utf8');

/** `back ends`, for each reason that stops packets somewhere. */
function hopsOfReasons(): ReadonlyMap<string, string> {
  const pod = { pod: 'shop-1', node: 'web-1', address: '10.9.0.20', isReady: true, ports: { '': 80 } };
  const well = { ready: 1, nodes: new Set(['web-1']), all: [pod] };
  const hops = Object.keys(balancerReasons).flatMap((reason) => {
    const said = { type: 'isthmus.dev/Balancer', status: 'False', reason, message: 'any' };
    const status = { loadBalancer: { ingress: [{ ip: '106.75.0.1' }] }, conditions: [said] };
    const first = planFirstFault({ metadata: { name: 'shop' }, status } as unknown as ServiceObject, well);
    return first === undefined ? [] : [[reason, first.replace(': any', '')] as const];
  });
  return new Map(hops);
}

test('the page of Services that do not answer has a row for every reason that stops packets, with its hop', () => {
  const rows = [...page.matchAll(/^\| ([a-z -]+) \| `(\w+)` \|/gm)].map(([, hop, reason]) => [reason, hop] as const);
  expect(rows.length).toBeGreaterThan(10);
  const told = new Map(rows.filter(([reason]) => reason !== 'Making'));
  expect(told).toEqual(hopsOfReasons());
});
