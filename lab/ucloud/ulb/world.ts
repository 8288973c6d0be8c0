import type { WorldApplicationBalancer } from './application/world.ts';
import type { WorldDirectBalancer } from './classic/world.ts';
import type { CheckRecord } from './network/state.ts';
import type { WorldBalancer } from './network/world.ts';

/** What balancers need of the world: hosts in the VPC that forward packets, and somebody who looks at their targets. */
export interface UlbWorld {
  /** From now on the balancer forwards as told, and no longer as it was told before. Connections that it knows go on. */
  shapeBalancer(balancer: WorldBalancer): Promise<void>;
  /** As `shapeBalancer`, for one that answers requests instead of forwarding packets. */
  shapeApplicationBalancer(balancer: WorldApplicationBalancer): Promise<void>;
  /** As `shapeBalancer`, for one whose targets own its addresses and answer clients directly. */
  shapeDirectBalancer(balancer: WorldDirectBalancer): Promise<void>;
  /** Nothing happens when there is no such balancer, of whatever kind. */
  removeBalancer(id: string): Promise<void>;
  /** Whether a target answers a check. */
  probe(probe: WorldProbe): Promise<boolean>;
}

export type WorldProbe = WorldQuestion & {
  readonly ip: string;
  /** The address that it comes from. */
  readonly from: string;
};

/** What a target is asked. */
export type WorldQuestion = (CheckRecord | HttpQuestion) & {
  /** Seconds within which the answer is good. */
  readonly within: number;
};

export interface HttpQuestion {
  readonly type: 'HTTP';
  readonly port: number;
  readonly protocol: 'HTTP' | 'HTTPS';
  readonly method: 'GET' | 'HEAD';
  /** Of the Host header; empty: the target's address. */
  readonly domain: string;
  readonly path: string;
  /** First digits of the status codes that are good: `2` for 200 to 299. */
  readonly good: readonly number[];
}
