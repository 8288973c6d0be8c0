import type { Latency } from '../engine/latency.ts';

/** How long disks take. */
export const latencies = {
  /** CreateUDisk: first look after 10 s. */
  make: [5, 10],
  /** CloneUDisk, CloneUDiskSnapshot: looked at every 10 s. */
  copy: [10, 20],
  /** AttachUDisk: first look after 10 s. */
  attach: [4, 10],
  /** DetachUDisk: first look after 60 s. */
  detach: [10, 40],
  /** ResizeUDisk: looked at every 10 s; UK8S tells its users of about a minute, file system included. */
  grow: [5, 15],
  /** CreateUDiskSnapshot: first look after 60 s. */
  snapshot: [20, 60],
  /** RestoreUDisk: first look after 120 s. */
  restore: [40, 120],
} as const satisfies Record<string, Latency>;
