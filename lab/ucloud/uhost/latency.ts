import type { Latency } from '../engine/latency.ts';

/** How long machines and images take. */
export const latencies = {
  /** CreateUHostInstance: first look after 20 to 30 s; both parts together. */
  writeDisk: [12, 18],
  firstStart: [6, 10],
  /** StartUHostInstance: first look after 10 to 30 s. */
  start: [6, 12],
  /** StopUHostInstance: first look after 10 s. */
  stop: [4, 10],
  /** PoweroffUHostInstance: Stopped is seen 10 to 20 s later. */
  off: [4, 10],
  /** No scenario waits for a reboot: a stop and a start. */
  reboot: [10, 20],
  /** How long a subnet is held by a machine that is gone: DeleteSubnet is first tried after 60 s. */
  rest: [60, 60],
  /** CreateCustomImage: not published. Console users are told of some minutes; this is at the short end. */
  makeImage: [30, 60],
} as const satisfies Record<string, Latency>;
