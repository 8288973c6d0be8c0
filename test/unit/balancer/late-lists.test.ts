import { expect, test } from 'vitest';
import { makeIngress, makeWebService } from '../../lab/balancer/ingress-world.ts';
import { makeService } from '../../lab/balancer/services-world.ts';
import { signForLives } from '../../support/balancer-lives.ts';
import { TurnsWorld } from '../../support/lives-of-turns.ts';

const certificates = await signForLives();

const isPrivate = { 'isthmus.dev/balancer-access': 'private' };
const ports = [{ port: 80, protocol: 'TCP', nodePort: 30_080 }];

/** What is made, the action that lists it, and what the cloud has in the end. */
const kinds = {
  'an NLB': { list: 'DescribeNetworkLoadBalancers', make: ofKind('network'), has: 'network: 80 to 2' },
  'a CLB4': { list: 'DescribeULB', make: ofKind('direct'), has: 'direct: 80 to 2' },
  'an ALB of a Service': { list: 'DescribeLoadBalancers', make: ofKind('application'), has: 'application: 80 to 2' },
  'an Ingress on an ALB': {
    list: 'DescribeLoadBalancers',
    make: async (world: TurnsWorld) => {
      await makeWebService(world, 'shop-web', { ports });
      await makeIngress(world, 'shop', { 'shop.example/': 'shop-web' }, { annotations: isPrivate });
    },
    has: 'application: 80 to 2 by 1 rules',
  },
};

function ofKind(kind: string) {
  return (world: TurnsWorld) =>
    makeService(world, 'shop', {
      annotations: { 'isthmus.dev/balancer-kind': kind, ...isPrivate },
      spec: { ports },
    });
}

/** Far less than until everything is listed anew, which is 10 min. */
const fewTurns = 10;

test.each(Object.entries(kinds).flatMap(([title, kind]) => [0, 1, 2, 3].map((skip) => ({ title, skip, ...kind }))))(
  'a private load balancer is not in list $skip after it was asked for: $title has its address within seconds',
  async ({ list, skip, make, has }) => {
    const world = await TurnsWorld.open(certificates);
    world.testCloud.plant({ action: list, kind: 'empty-list', skip, times: 1 });
    expect(await world.live('shop', ['is made', () => make(world), [has]])).toBeLessThanOrEqual(fewTurns);
    await world.close();
  },
);
