import { type Ms, ms, seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import type { WorkPlace } from '../gateway/product.ts';
import type { UnetState } from '../unet/state.ts';
import type { Placed } from '../vpc/state.ts';
import { checks, nextHealth } from './health.ts';
import { latencies } from './latency.ts';
import type { BalancerRecord, ListenerRecord, TargetRecord, UlbState } from './state.ts';
import type { UlbWorld } from './world.ts';
import { probeSource, worldBalancer } from './world-balancer.ts';

/** What balancers do to the world. */
export type UlbWorks = {
  readonly balancers: Balancers;
};

/** A target, and who has it. */
export interface Home {
  readonly balancer: BalancerRecord;
  readonly listener: ListenerRecord;
  readonly target: TargetRecord;
}

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

export function createUlbWorks(place: WorkPlace<Placed & UnetState, UlbWorld, unknown>): UlbWorks {
  return { balancers: createBalancers(place) };
}

function createBalancers({ state, region, caller }: WorkPlace<Placed & UnetState, UlbWorld, unknown>): Balancers {
  const applied = new Map<string, string>();
  const find = (id: string): BalancerRecord | undefined => state.balancers.find((one) => one.id === id);

  async function apply(id: string): Promise<void> {
    const balancer = find(id);
    if (balancer === undefined) {
      await caller.world.removeBalancer(id);
      applied.delete(id);
      caller.note({ doing: 'removeBalancer', balancer: id });
      return;
    }
    const wanted = worldBalancer(balancer, state);
    const text = JSON.stringify(wanted);
    if (text === applied.get(id)) return;
    await caller.world.shapeBalancer(wanted);
    applied.set(id, text);
    balancer.trouble = undefined;
    caller.note({ doing: 'shapeBalancer', balancer: id });
  }

  /** What the world fails at is tried again until it succeeds. */
  async function applyAfter(id: string, span: Ms): Promise<void> {
    for (let next = span; ; next = untilNextTry) {
      if (!(await hasWaited(next, caller))) return;
      try {
        return await caller.queue.add(`balancer ${id}`, () => apply(id));
      } catch (e) {
        const balancer = find(id);
        if (balancer !== undefined) balancer.trouble = messageOf(e);
        caller.note({ doing: 'shapeBalancer', balancer: id, error: messageOf(e) });
      }
    }
  }

  /** One check after the other, for as long as somebody has the target. */
  async function check(home: Home): Promise<void> {
    const { balancer, listener, target } = home;
    while (isThere(home, state)) {
      const next = caller.now() + seconds(checks.interval);
      const hasAnswered = await probe(target, listener);
      const before = target.health.isHealthy;
      target.health = nextHealth(target.health, hasAnswered);
      if (target.health.isHealthy !== before) {
        const now = target.health.isHealthy ? 'Healthy' : 'Unhealthy';
        caller.note({ doing: 'check', balancer: balancer.id, target: target.id, ip: target.ip, now });
        void applyAfter(balancer.id, ms(0));
      }
      if (!(await hasWaited(ms(Math.max(0, next - caller.now())), caller))) return;
    }
  }

  async function probe({ id, ip }: TargetRecord, listener: ListenerRecord): Promise<boolean> {
    try {
      return await caller.world.probe({ ...listener.check, ip, from: probeSource(region) });
    } catch (e) {
      caller.note({ doing: 'probe', target: id, error: messageOf(e) });
      return false;
    }
  }

  return {
    changed: (id) => void applyAfter(id, caller.latencyOf(latencies.balance)),
    applySoon: (id) => void applyAfter(id, ms(0)),
    listedAt: () => caller.now() + caller.latencyOf(latencies.list),
    watch: (home) => void check(home),
    resume() {
      for (const balancer of state.balancers) {
        void applyAfter(balancer.id, ms(0));
        for (const listener of balancer.listeners)
          for (const target of listener.targets) void check({ balancer, listener, target });
      }
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

function isThere({ balancer, listener, target }: Home, { balancers }: UlbState): boolean {
  return balancers.includes(balancer) && balancer.listeners.includes(listener) && listener.targets.includes(target);
}
