import { describe, expect, test } from 'vitest';
import { ingresses } from '#kube/resources.ts';
import { lives, saidBy, signForLives } from '../../support/balancer-lives.ts';
import { balancerWrites, liveWithLostAnswers, lostAnswers, TurnsWorld } from '../../support/lives-of-turns.ts';

const certificates = await signForLives();

/** More calls of one action than any life asks for. */
const mostCalls = 24;

describe('every other answer of the cloud is lost: nothing is made twice or left behind, and no object says meanwhile that all is well', () => {
  const met = new Set<string>();
  const cases = Object.entries(lives).flatMap(([title, lifeOf]) =>
    lostAnswers.map((kind) => ({ title, kind, lifeOf })),
  );

  test.each(cases)('$title, $kind', async ({ kind, lifeOf }) => {
    const numbers = Array.from({ length: mostCalls / 2 }, (_, n) => 2 * n);
    const lost = balancerWrites().flatMap((action) => numbers.map((skip) => ({ action, skip, kind })));
    const asked = await liveWithLostAnswers(certificates, lifeOf, lost);
    for (const action of asked) met.add(action);
  });

  test('no call that changes something was left out', () => {
    expect([...met].toSorted()).toEqual(balancerWrites().toSorted());
  });
});

test('an Ingress that is being deleted says why its ALB stays', async () => {
  const world = await TurnsWorld.open(certificates);
  const [make] = lives['an Ingress on an ALB']?.(world, 'shop') ?? [];
  await world.live('shop', make ?? expect.fail('there is no such life'));
  world.testCloud.plant({ action: 'DeleteLoadBalancer', kind: 'refuse', code: 299, times: 1 });
  await world.kube.delete(ingresses, { name: 'shop', namespace: 'default' });
  await world.turn('shop');
  expect((await saidBy(world.kube, 'shop')).ofIngress).toMatchObject({
    status: 'False',
    reason: 'CloudRefuses',
    message: expect.stringMatching(
      /^removing load balancer alb-\S+ for Ingress default\/shop: DeleteLoadBalancer: denied: .*look whether the keys/,
    ),
  });
  expect(world.events.filter((event) => event.startsWith('CloudRefuses'))).toHaveLength(1);
  await world.turn('shop');
  expect([(await saidBy(world.kube, 'shop')).ingress, world.inCloud()]).toEqual([undefined, '']);
  await world.close();
});
