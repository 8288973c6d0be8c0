import type * as z from 'zod';
import type { CloudBackEnd, SeenBalancer } from '../balancer.ts';
import type { CloudResult } from '../failure.ts';
import type { Marked, Owned } from '../owned.ts';
import type { List, ListsAt } from './list-pages.ts';
import type { Deadline } from './wire/deadline.ts';
import type { Params } from './wire/sign.ts';

export interface AnyWish {
  readonly protocol: string;
  readonly port: number;
}

export interface AnyListener extends Marked {
  readonly id: string;
  readonly backEnds: readonly CloudBackEnd[];
}

/**
 * How NLB and ALB each say what both have: balancers, listeners and back ends. What is done with them, in which order and after which
 * look, is the same for both: balancers.ts, listeners.ts and back-ends.ts.
 */
export interface BalancerKind<Wish extends AnyWish, Listener extends AnyListener> {
  readonly actions: Readonly<
    Record<'create' | 'remove' | 'listen' | 'change' | 'unlisten' | 'addTargets' | 'removeTargets', string>
  >;
  /** What names a balancer, as a parameter and as a filter of the list. */
  readonly idParam: string;
  readonly idFilter: string;
  /** All balancers with everything in them, and the listeners of one. */
  readonly balancers: List<SeenBalancer<Listener>>;
  readonly listeners: List<Listener>;
  /** The id of what a create has made. */
  readonly made: z.ZodType<string>;
  /** What is said beside what every balancer has. */
  readonly extra: Readonly<Record<'create' | 'remove' | 'unlisten', Params>>;
  /** How a port is answered, for making its listener. */
  readonly openParams: (wish: Wish) => Params;
  /** The listener as it was accepted, before a list shows it. */
  readonly opened: (id: string, wish: Wish & Owned) => Listener;
  hasPort(listener: Listener, wish: Wish): boolean;
  /** How many back ends one call may name. */
  readonly targetsAtOnce: number;
  /** Takes back ends out of what keeps them in their listener. */
  readonly free?: (
    at: ListsAt,
    balancer: string,
    listener: string,
    backEnds: readonly string[],
    deadline: Deadline,
  ) => Promise<CloudResult<void>>;
}
