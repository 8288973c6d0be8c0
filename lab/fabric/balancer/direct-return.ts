import type { WorldDirectBalancer } from '../../ucloud/ulb/classic/world.ts';
import { inside } from '../inside.ts';
import { markOf } from '../names.ts';
import type { Generation } from '../vpc-rules.ts';
import type { BalancerParts } from './balancer-rules.ts';
import { formatDirectRoutes, formatDirectRules } from './direct-rules.ts';

/** Balancers whose targets answer clients directly: the VPC's router itself, which chooses where their packets go. */
export interface DirectReturn {
  readonly shape: (wanted: WorldDirectBalancer) => Promise<void>;
  /** Nothing happens when there is no such balancer. */
  readonly remove: (id: string) => Promise<void>;
  /** A machine has a new port: what leads to it is made anew. */
  readonly afterPlug: (port: string) => Promise<void>;
  readonly all: () => readonly string[];
}

export function openDirectReturn(lab: string): DirectReturn {
  const vpc = markOf(lab, 'vpc');
  const wanted = new Map<string, WorldDirectBalancer>();
  let next: Generation = 0;
  let parts: BalancerParts | undefined;
  let last: Promise<void> = Promise.resolve();

  /** One after the other: two at once would mix their generations. */
  function apply(): Promise<void> {
    last = last
      .catch(() => undefined)
      .then(async () => {
        const all = [...wanted.values()];
        const rules = formatDirectRules(all, parts);
        await inside(vpc, `${formatDirectRoutes(all, next)}\nnft -f - <<'END'\n${rules.file}END`);
        parts = rules.parts;
        next = next === 0 ? 1 : 0;
      });
    return last;
  }

  return {
    shape(balancer) {
      wanted.set(balancer.id, balancer);
      return apply();
    },
    remove: async (id) => (wanted.delete(id) ? apply() : undefined),
    afterPlug: async (port) => {
      const leads = [...wanted.values()].some(({ listeners }) =>
        listeners.some(({ targets }) => targets.some(({ at }) => at === port)),
      );
      if (leads) await apply();
    },
    all: () => [...wanted.keys()],
  };
}
