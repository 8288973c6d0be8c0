import type { Latency } from '../engine/latency.ts';

/** How long balancers take. */
export const latencies = {
  /** Until lists have what was made: terraform first looks after 2 s, and for 3 min at the most. terraform-provider-ucloud */
  list: [1, 2],
  /** Until packets go as the API was told: not published. UCloud's CCM sends changes of back ends at most every 10 s. */
  balance: [1, 2],
} as const satisfies Record<string, Latency>;
