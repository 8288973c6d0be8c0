import { type Ms, ms } from '#unit/clock.ts';

/** How one watch came to its end. */
export interface WatchEnd {
  /** `expired`: 410, the version asked for is no longer known. `ended`: the server closed it in good order. */
  readonly how: 'ended' | 'expired' | 'broken';
  /** How long it lasted. */
  readonly lasted: Ms;
  /** Whether it brought any event. */
  readonly lived: boolean;
  /** The version to go on from; `undefined` while the first events were still coming. */
  readonly version: string | undefined;
  /** How long the server asked to stay away. */
  readonly retryAfter: Ms | undefined;
}

export interface NextWatch {
  /** `undefined`: from the beginning. */
  readonly version: string | undefined;
  readonly wait: Ms;
  /** The back-off that the next trouble in a row meets, before chance. */
  readonly delay: Ms;
}

export const firstDelay = ms(500);
const mostDelay = ms(15_000);
/** A server in good order ends a watch after minutes; one that does it sooner must not be asked in a tight loop. */
const shortWatch = ms(5000);

/**
 * When and from where to watch again. There is no end to it: a cache that gave up would be wrong for ever.
 * @unit  delay: the back-off of the troubles so far; chance: 0 to 1, spreads many clients' returns
 */
export function planWatch(end: WatchEnd, delay: Ms, chance: number): NextWatch {
  const due = end.lived ? firstDelay : delay;
  if (end.how === 'ended' && end.lasted >= shortWatch) return { version: end.version, wait: ms(0), delay: firstDelay };
  if (end.how === 'expired' && end.version !== undefined) return { version: undefined, wait: ms(0), delay: due };
  return {
    version: end.version,
    wait: ms(Math.max(due * (0.5 + chance), end.retryAfter ?? 0)),
    delay: ms(Math.min(due * 2, mostDelay)),
  };
}
