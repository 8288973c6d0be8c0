import { type Ms, ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { WorkPlace } from '../gateway/product.ts';
import type { UnetState } from '../unet/state.ts';
import type { Placed } from '../vpc/state.ts';
import type { VpcWorks } from '../vpc/work.ts';
import { worldApplication } from './application/world-application.ts';
import { worldDirect } from './classic/world-direct.ts';
import { nextHealth } from './health.ts';
import { type Home, homesIn, isThere, leave, probeOf, rhythmOf } from './home.ts';
import { latencies } from './latency.ts';
import { allBalancers } from './lookup.ts';
import { worldBalancer } from './network/world-balancer.ts';
import { isGone } from './target-place.ts';
import type { UlbWorld } from './world.ts';

/** What balancers do to the world. */
export type UlbWorks = {
  readonly balancers: Balancers;
};

/** The balancers' side of the world. */
export interface Balancers {
  /** A balancer was made, changed or deleted: packets follow when the time that it takes has passed. */
  changed(id: string): void;
  /** As `changed`, without the wait: an address has become usable, or a check has spoken. */
  applySoon(id: string): void;
  /** When lists have what is made now: Unix milliseconds. */
  listedAt(): number;
  /** Begins to check a target that was just recorded. */
  watch(home: Home): void;
  /** Begins with what the records say. */
  resume(): void;
}

export function createUlbWorks(place: WorkPlace<Placed & UnetState, UlbWorld, VpcWorks>): UlbWorks {
  return { balancers: createBalancers(place) };
}

function createBalancers({
  state,
  region,
  caller,
  works,
}: WorkPlace<Placed & UnetState, UlbWorld, VpcWorks>): Balancers {
  const applied = new Map<string, string>();

  async function apply(id: string): Promise<void> {
    const wanted = wish(id);
    if (wanted === undefined) {
      await caller.world.removeBalancer(id);
      works.network.applySoon();
      applied.delete(id);
      caller.note({ doing: 'removeBalancer', balancer: id });
      return;
    }
    const text = JSON.stringify(wanted.shape);
    if (text === applied.get(id)) return;
    await wanted.perform();
    applied.set(id, text);
    wanted.balancer.trouble = undefined;
    caller.note({ doing: 'shapeBalancer', balancer: id });
  }

  /** What the records want of the world for one balancer. */
  function wish(id: string) {
    for (const balancer of state.balancers) {
      if (balancer.id !== id) continue;
      const shape = worldBalancer(balancer, state);
      return { balancer, shape, perform: () => caller.world.shapeBalancer(shape) };
    }
    for (const balancer of state.applicationBalancers) {
      if (balancer.id !== id) continue;
      const shape = worldApplication(balancer, state);
      return { balancer, shape, perform: () => caller.world.shapeApplicationBalancer(shape) };
    }
    for (const balancer of state.classicBalancers) {
      if (balancer.id !== id) continue;
      const shape = worldDirect(balancer, state, region);
      const perform = async (): Promise<void> => {
        // Nobody gets a packet whose answer would be dropped.
        await works.network.apply();
        await caller.world.shapeDirectBalancer(shape);
      };
      return { balancer, shape, perform };
    }
    return undefined;
  }

  /** What the world fails at is tried again until it succeeds. */
  async function applyAfter(id: string, span: Ms): Promise<void> {
    for (let next = span; ; next = untilNextTry) {
      if (!(await hasWaited(next, caller))) return;
      try {
        return await caller.queue.add(`balancer ${id}`, () => apply(id));
      } catch (e) {
        const balancer = allBalancers(state).find((one) => one.id === id);
        if (balancer !== undefined) balancer.trouble = messageOf(e);
        caller.note({ doing: 'shapeBalancer', balancer: id, error: messageOf(e) });
      }
    }
  }

  /** One check after the other, for as long as somebody has the target. */
  async function check(home: Home): Promise<void> {
    const { balancer, target } = home;
    while (isThere(home, state)) {
      if (isGone(target, state)) {
        leave(home);
        caller.note({ doing: 'leave', balancer: balancer.id, target: target.id, ip: target.ip });
        return void applyAfter(balancer.id, ms(0));
      }
      const next = caller.now() + seconds(rhythmOf(home).interval);
      const hasAnswered = await probe(home);
      const before = target.health.isHealthy;
      target.health = nextHealth(target.health, hasAnswered, rhythmOf(home));
      if (target.health.isHealthy !== before) {
        const now = target.health.isHealthy ? 'Healthy' : 'Unhealthy';
        caller.note({ doing: 'check', balancer: balancer.id, target: target.id, ip: target.ip, now });
        void applyAfter(balancer.id, ms(0));
      }
      if (!(await hasWaited(ms(Math.max(0, next - caller.now())), caller))) return;
    }
  }

  async function probe(home: Home): Promise<boolean> {
    const wanted = probeOf(home, state, region);
    try {
      return wanted !== undefined && (await caller.world.probe(wanted));
    } catch (e) {
      caller.note({ doing: 'probe', target: home.target.id, error: messageOf(e) });
      return false;
    }
  }

  return {
    changed: (id) => void applyAfter(id, caller.latencyOf(latencies.balance)),
    applySoon: (id) => void applyAfter(id, ms(0)),
    listedAt: () => caller.now() + caller.latencyOf(latencies.list),
    watch: (home) => void check(home),
    resume() {
      for (const { id } of allBalancers(state)) void applyAfter(id, ms(0));
      for (const home of homesIn(state)) void check(home);
    },
  };
}

const untilNextTry = seconds(1);

/** Whether the cloud is still there after the wait: the next one begins with what the records say. */
async function hasWaited(span: Ms, { wait, closing }: WorldCaller<unknown>): Promise<boolean> {
  try {
    await wait(span);
    return true;
  } catch (e) {
    if (e === closing.reason) return false;
    throw e;
  }
}
