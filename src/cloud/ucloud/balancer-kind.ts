import type * as z from 'zod';
import type { BalancerWish, CloudBackEnd, SeenBalancer } from '../balancer.ts';
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
 * How each product says what all have: balancers and listeners. What is done with them, in which order and after which look, is the
 * same for all: balancers.ts and listeners.ts.
 */
export interface BalancerKind<Wish extends AnyWish, Listener extends AnyListener> {
  readonly actions: Readonly<Record<'create' | 'remove' | 'listen' | 'change' | 'unlisten', string>>;
  /** What names a balancer, as a parameter and as a filter of the list. */
  readonly idParam: string;
  readonly idFilter: string;
  /** What names a listener. */
  readonly listenerParam: string;
  /** All balancers with everything in them, and the listeners of one. */
  readonly balancers: List<SeenBalancer<Listener>>;
  readonly listeners: List<Listener>;
  /** What makes the list of balancers one without what is in them. */
  readonly bare: Params;
  /** The id of what a create has made. */
  readonly made: z.ZodType<string>;
  readonly listenerMade: z.ZodType<string>;
  /** What is said beside the id. */
  readonly extra: Readonly<Record<'remove' | 'unlisten', Params>>;
  /** Beside whose and where it is. */
  readonly createParams: (wish: BalancerWish) => Params;
  /** Whose a listener is, and how its port is answered. */
  readonly openParams: (wish: Wish & Owned) => Params;
  /** The listener as it was accepted, before a list shows it. */
  readonly opened: (id: string, wish: Wish & Owned) => Listener;
  hasPort(listener: Listener, wish: Wish): boolean;
}

/** One whose listeners take several back ends at once, on any port: NLB and ALB. */
export interface TargetKind<Wish extends AnyWish, Listener extends AnyListener> extends BalancerKind<Wish, Listener> {
  readonly targets: Readonly<Record<'add' | 'remove', string>>;
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
