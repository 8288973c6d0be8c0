import type { Latency } from '../engine/latency.ts';

/** How long file systems take. */
export const latencies = {
  /** CreateUFSVolume: looked at at once, UnInitialized first. */
  make: [2, 5],
  /** AddUFSVolumeMountPoint: looked at every 2 s, up to 60 times. */
  open: [2, 10],
  /** RemoveUFSVolumeMountPoint: gone within 5 min. terraform-provider-ucloud */
  close: [2, 10],
} as const satisfies Record<string, Latency>;
