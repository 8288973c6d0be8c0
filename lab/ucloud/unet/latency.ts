import type { Latency } from '../engine/latency.ts';

/** How long addresses of the internet take. */
export const latencies = {
  /** Until one is used after BindEIP, or free after UnBindEIP: terraform waits for either, for some minutes at the most. */
  bind: [1, 3],
} as const satisfies Record<string, Latency>;
