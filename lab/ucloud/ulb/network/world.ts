import type { WorldPlace, WorldTarget } from '../world-place.ts';
import type { Scheduler } from './state.ts';

export interface WorldBalancer extends WorldPlace {
  /** The address with which its targets see it. */
  readonly backIp: string;
  readonly listeners: readonly WorldListener[];
}

export interface WorldListener {
  readonly id: string;
  readonly protocol: 'TCP' | 'UDP';
  readonly startPort: number;
  readonly endPort: number;
  readonly scheduler: Scheduler;
  /** Seconds; 0: none. */
  readonly stickiness: number;
  readonly forwardSource: 'None' | 'ProxyProto';
  /** Those that take new connections now. */
  readonly targets: readonly WorldTarget[];
}
