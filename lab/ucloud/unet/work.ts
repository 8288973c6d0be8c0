import type { WorldCaller } from '../engine/world-caller.ts';
import type { WorkPlace } from '../gateway/product.ts';
import type { UlbWorks } from '../ulb/work.ts';
import type { UlbWorld } from '../ulb/world.ts';
import { latencies } from './latency.ts';
import type { EipRecord, UnetState } from './state.ts';

/** What addresses of the internet do to the world. */
export type UnetWorks = {
  readonly eips: Eips;
};

export interface Eips {
  bind(eip: EipRecord, resource: string): void;
  unbind(eip: EipRecord): void;
  /** A resource ends: its addresses are free after some time, or gone at once. */
  leave(resource: string, what: 'keep' | 'release'): void;
  /** Goes on with what was under way. */
  resume(): void;
}

export function createUnetWorks({ state, caller, works }: WorkPlace<UnetState, UlbWorld, UlbWorks>): UnetWorks {
  async function settle(eip: EipRecord): Promise<void> {
    if (!(await hasWaited(caller))) return;
    const { resource } = eip;
    if (eip.at === 'unbinding') eip.resource = undefined;
    eip.at = eip.at === 'binding' ? 'used' : 'free';
    if (resource !== undefined) works.balancers.applySoon(resource);
    caller.note({ doing: eip.at === 'used' ? 'bind' : 'unbind', eip: eip.id, resource: resource ?? '' });
  }

  function begin(eip: EipRecord, at: 'binding' | 'unbinding'): void {
    eip.at = at;
    void settle(eip);
  }

  return {
    eips: {
      bind(eip, resource) {
        eip.resource = resource;
        begin(eip, 'binding');
      },
      unbind: (eip) => begin(eip, 'unbinding'),
      leave(resource, what) {
        const leaving = state.eips.filter((eip) => eip.resource === resource);
        if (what === 'release')
          state.eips.splice(0, state.eips.length, ...state.eips.filter((eip) => !leaving.includes(eip)));
        else for (const eip of leaving) if (eip.at !== 'unbinding') begin(eip, 'unbinding');
      },
      resume() {
        for (const eip of state.eips) if (eip.at === 'binding' || eip.at === 'unbinding') void settle(eip);
      },
    },
  };
}

/** Whether the cloud is still there after the time that it takes. */
async function hasWaited({ wait, latencyOf, closing }: WorldCaller<unknown>): Promise<boolean> {
  try {
    await wait(latencyOf(latencies.bind));
    return true;
  } catch (e) {
    if (e === closing.reason) return false;
    throw e;
  }
}
