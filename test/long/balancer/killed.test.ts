import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { makeAlbClass } from '../../lab/balancer/ingress-world.ts';
import { leadBalancers, startBalancerWorld } from '../../lab/balancer/services-world.ts';
import type { RangesWorld } from '../../lab/network/ranges-world.ts';
import { exclude, inCloud, lives, signForLives, unsaid } from '../../support/balancer-lives.ts';
import { mortal } from '../../support/mortal.ts';

/**
 * The life of a load balancer of each kind, with a controller that is killed after each write that it makes to the API server or to
 * the cloud. At each stage the cloud has what it should have, once.
 */
let world: RangesWorld;
const certificates = await signForLives();

beforeAll(async () => {
  world = await startBalancerWorld();
  await makeAlbClass(world);
});
afterEach(() => exclude(world, null)());
afterAll(() => world?.close());

/** The name of what the test at hand is about. */
let name = 'shop';
let count = 0;
beforeEach(() => {
  name = `shop-${++count}`;
});

/** The cloud has this, the objects say so, and nothing is done about them for a while. */
async function untilQuiet(title: string, wanted: readonly string[], isOver: () => boolean): Promise<undefined> {
  let since = Number.POSITIVE_INFINITY;
  await waitFor(
    `${title}: ${wanted.join('; ') || 'nothing'}`,
    async () => {
      if (isOver()) return true;
      const there = inCloud(world.testCloud.cloud.objects(), certificates).join('; ');
      const said = await unsaid(world.kube, name);
      const isThere = there === wanted.join('; ');
      const why = isThere ? said : `${there || 'nothing'} (${said ?? 'all say that they are served'})`;
      since = why === undefined ? Math.min(since, performance.now()) : Number.POSITIVE_INFINITY;
      if (why !== undefined) throw new Error(why);
      return performance.now() - since > seconds(1);
    },
    { within: minutes(3), every: ms(25) },
  );
}

const mostLives = 60;

/**
 * Whether it may live on after this write. A new controller says of a node that leaves that it does not know yet, and says more when it does;
 * and when a Service is given up its status is emptied just before its finalizer goes. Who is killed after these each time never gets further.
 */
function isSpared(write: string, deaths: readonly string[]): boolean {
  const last = deaths.slice(-4);
  return write === 'apply nodes' ? deaths.includes(write) : last.length === 4 && last.every((one) => one === write);
}

/** Each life of the controller ends with its first write, but for the last one, which finds nothing to do. @shape the writes */
async function liveAndDie(title: string, wanted: readonly string[]): Promise<readonly string[]> {
  const deaths: string[] = [];
  while (deaths.length < mostLives) {
    const end = new AbortController();
    const { kube, cloud, died } = mortal(world.kube, world.testCloud.url, end, (write) => isSpared(write, deaths));
    const leader = leadBalancers({ ...world, kube, cloud }, {}, end);
    const death = await Promise.race([died, untilQuiet(title, wanted, () => end.signal.aborted)]);
    await leader.stop();
    if (death === undefined) return deaths;
    deaths.push(death);
  }
  return expect.fail(`${title}: no end after ${deaths.join(', ')}`);
}

test.each(Object.entries(lives))(
  'the controller is killed after each of its writes, and nothing is made twice or left behind: %s',
  async (kind, lifeOf) => {
    const told: string[] = [];
    for (const [title, act, wanted] of lifeOf({ kube: world.kube, certificates }, name)) {
      await act();
      const deaths = await liveAndDie(title, wanted);
      told.push(`${title}: ${deaths.join(', ')}`);
    }
    console.log(`${kind}\n  ${told.join('\n  ')}`);
  },
  minutes(10),
);
