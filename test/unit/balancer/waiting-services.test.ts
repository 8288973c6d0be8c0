import { expect, test } from 'vitest';
import { recordAnnotation } from '#balancer/annotations.ts';
import type { NodeSeen } from '#balancer/choose-back-ends.ts';
import { ServiceBalancers } from '#balancer/service-balancers.ts';
import type { Balancers, CloudBalancer } from '#cloud/balancer.ts';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudResult } from '#cloud/failure.ts';
import { balancerFinalizer } from '#kube/api/leaving.ts';
import type { Kube } from '#kube/kube.ts';
import type { ServiceObject } from '#kube/resources.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { ok } from '#unit/result.ts';
import { cloudNode } from '../../support/balancer-world.ts';

const count = 20;
const keys = Array.from({ length: count }, (_, n) => `default/s-${n}`);
const machineOf = (name: string): string => `uhost-${name}`;

/** Each has a private balancer of its own, and is served by three nodes. */
function serviceOf(name: string): ServiceObject {
  const annotations = {
    'isthmus.dev/balancer-access': 'private',
    [recordAnnotation]: JSON.stringify({ uses: 'made', balancer: `nlb-${name}` }),
  };
  return {
    metadata: { name, namespace: 'default', uid: `u-${name}`, annotations, finalizers: [balancerFinalizer] },
    spec: { type: 'LoadBalancer', selector: { app: name }, ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080 }] },
    status: { loadBalancer: { ingress: [{ ip: '10.9.0.9', ipMode: 'VIP' }] } },
  };
}

function balancerOf(name: string): CloudBalancer {
  const owned = { mark: 'shop', owner: `u-${name}` };
  const backEnds = ['web-1', 'web-2', 'web-3'].map((node) => ({
    id: `${name}/${node}`,
    machine: machineOf(node),
    port: 30_080,
    healthy: true,
  }));
  const listening = { scheduler: 'round-robin', sticky: ms(0), proxyProtocol: false, checkPort: 10_256 } as const;
  const listener = {
    ...owned,
    ...listening,
    id: `listener-${name}`,
    protocol: 'TCP',
    port: 80,
    lastPort: 80,
    backEnds,
  };
  const place = { vpc: 'vpc-1', subnet: 'subnet-1', address: ip('10.9.0.9') };
  return { ...owned, ...place, id: `nlb-${name}`, name, createdAt: 1, charge: 'hour', listeners: [listener] };
}

test('nodes change while Services wait for their calls: those that were not sent yet are of the nodes as they are then', async () => {
  const dropped: (readonly string[])[] = [];
  const sent: (() => void)[] = [];
  const none = { most: { listeners: 5, backEnds: 50 }, lag: seconds(15), list: async () => ok([]) };
  const balancers = {
    ...none,
    list: async () => ok(keys.map((key) => balancerOf(key.split('/')[1] ?? ''))),
    drop: (_balancer: string, _listener: string, ids: readonly string[]) => {
      dropped.push(ids);
      return new Promise<CloudResult<void>>((resolve) => sent.push(() => resolve(ok())));
    },
  } as unknown as Balancers;
  let nodes: readonly NodeSeen[] = ['web-1', 'web-2'].map((name) => cloudNode(name));
  const inbound = async (all: readonly string[]) => ok(new Map(all.map((one) => [one, { guarded: false } as const])));
  const cloud = {
    provider: 'test',
    balancers,
    directBalancers: none,
    applicationBalancers: none,
    publicAddresses: { list: async () => ok([]) },
    network: { inbound },
  };
  const services = new ServiceBalancers(
    {
      kube: {
        get: async (_resource: unknown, { name }: { name: string }) => serviceOf(name),
        apply: async () => undefined,
      } as unknown as Kube,
      cloud: cloud as unknown as Cloud,
      events: { tell: () => undefined, flush: async () => undefined },
      mark: 'shop',
      vpc: 'vpc-1',
      subnet: 'subnet-1',
      note: () => undefined,
    },
    { nodes: () => nodes, endpoints: () => ({ ready: 1, nodes: new Set(['web-1']) }) },
    new AbortController().signal,
  );
  const tended = Promise.all(keys.map((key) => services.tend(key)));
  await waitFor('calls to wait for their answers', async () => dropped.length > 1, {
    within: seconds(5),
    every: ms(50),
  });
  nodes = [cloudNode('web-1')];
  await waitFor(
    'all Services to be served by the one node that is left',
    async () => {
      for (const send of sent.splice(0)) send();
      return dropped.flat().length === 2 * count;
    },
    { within: seconds(5), every: ms(5) },
  );
  for (const send of sent.splice(0)) send();
  await tended;
  // Only those that were under way at the change are followed by another one.
  expect(dropped.length).toBeLessThanOrEqual(count + count / 2);
});
