import { type Ms, seconds, sleep } from '#unit/clock.ts';
import { NoAddress } from './attachments.ts';
import type { Attachment } from './cni/request.ts';

/**
 * ADDs that wait for an address. A refused one comes back only 10 to 15 s later, and then a new sandbox is made for it: who
 * waits here has its address in the moment in which there is one.
 */
export class AddressWaits {
  readonly #waiting = new Map<string, AbortController>();
  #news = new AbortController();
  #ended = false;

  /**
   * Tries again at each `lookAgain` while there is no address to give, until `within` is over, a DEL came for the same
   * attachment, or all waits are ended.
   * @fails as `attempt`
   */
  async attach<T>(pod: Attachment, attempt: () => Promise<T>, within: Ms): Promise<T> {
    const key = keyOf(pod);
    const end = performance.now() + within;
    const mine = new AbortController();
    // The runtime gave up on an earlier one: it must not take an address behind the back of this one.
    this.#waiting.get(key)?.abort();
    this.#waiting.set(key, mine);
    try {
      for (;;) {
        // Before trying: what is told meanwhile is not missed.
        const { signal: news } = this.#news;
        try {
          return await attempt();
        } catch (e) {
          if (!(e instanceof NoAddress) || this.#ended || performance.now() >= end) throw e;
          await sleep(lookAnyway, AbortSignal.any([mine.signal, news])).catch(() => undefined);
          if (mine.signal.aborted) throw e;
        }
      }
    } finally {
      if (this.#waiting.get(key) === mine) this.#waiting.delete(key);
    }
  }

  /** There may be addresses now: whoever waits tries at once. */
  lookAgain(): void {
    const before = this.#news;
    this.#news = new AbortController();
    before.abort();
  }

  /** Whoever waits for this attachment's address waits no more. */
  end(pod: Attachment): void {
    this.#waiting.get(keyOf(pod))?.abort();
  }

  /** Nobody waits from now on. */
  endAll(): void {
    this.#ended = true;
    for (const waiting of this.#waiting.values()) waiting.abort();
  }
}

/** Should nobody have said that there is one. */
const lookAnyway = seconds(1);

function keyOf({ container, ifname }: Attachment): string {
  return `${container}/${ifname}`;
}
