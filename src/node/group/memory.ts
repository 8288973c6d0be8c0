import type { Tracked } from '#machine/track-progress.ts';
import type { Instant } from '#unit/clock.ts';
import type { GroupSeen, MemberSeen } from './seen.ts';

/**
 * What this process knows of one group beside what is recorded. Another process that begins without it does the same a little later: it waits
 * longer before it asks again, and asks again what is done already.
 */
export interface GroupMemory {
  /** Since when this process looks at the group: another one may have asked the cloud until then. */
  readonly since: Instant;
  readonly busy: Map<string, Promise<void>>;
  /** Names recorded by this process that it has not asked the cloud for since. */
  readonly mayAsk: Set<string>;
  /** Names that the cloud certainly did not make when it was last asked, because it had none left. */
  readonly notMade: Set<string>;
  /** When the cloud was last asked for a machine without a clear answer. */
  readonly unclear: Map<string, Instant>;
  readonly refusals: Map<string, NonNullable<MemberSeen['refusal']>>;
  /** Ids that the cloud has told of machines that its lists may not have yet. */
  readonly made: Map<string, string>;
  readonly joins: Map<string, { tracked: Tracked; renewed: Instant }>;
  /** Since when the cloud says for certain that it does not know a machine. */
  readonly missing: Map<string, { readonly since: Instant; isCertain: boolean }>;
  /** Why pods could not be evicted at the last try. */
  readonly held: Map<string, readonly string[]>;
  readonly tokensRemoved: Set<string>;
  readonly ended: Set<string>;
  shortages: GroupSeen['shortages'];
  /** Machines in a row that did not join. */
  failures: number;
  pause: GroupSeen['pause'];
  /** The reason of the condition that was last told as an Event. */
  told: string | undefined;
}

export function beginMemory(since: Instant): GroupMemory {
  return {
    since,
    busy: new Map(),
    mayAsk: new Set(),
    notMade: new Set(),
    unclear: new Map(),
    refusals: new Map(),
    made: new Map(),
    joins: new Map(),
    missing: new Map(),
    held: new Map(),
    tokensRemoved: new Set(),
    ended: new Set(),
    shortages: [],
    failures: 0,
    pause: undefined,
    told: undefined,
  };
}

/** A machine that is recorded no more is nothing to be remembered. */
export function forgetMember(memory: GroupMemory, name: string): void {
  for (const one of [memory.mayAsk, memory.notMade, memory.tokensRemoved, memory.ended]) one.delete(name);
  for (const one of [memory.unclear, memory.refusals, memory.made, memory.joins, memory.missing, memory.held])
    one.delete(name);
}
