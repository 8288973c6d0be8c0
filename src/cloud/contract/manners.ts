import { expect } from 'vitest';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { Cloud } from '../cloud.ts';
import type { CloudResult } from '../failure.ts';
import { type Cases, type CaseWorld, kindOf, spanOf, within } from './case.ts';

/** One read of a capability, for what every capability owes at the cloud's door. */
type Read = (cloud: Cloud, world: CaseWorld, opts: { readonly within: Ms }) => Promise<CloudResult<unknown>>;

/** Of limits of at most 4 s, on a computer that is busy; a call without one would take 20 s. */
const keptLimit = seconds(10);

/** What a capability does when the door is closed, slow or crowded. */
export function mannersOf(read: Read): Cases {
  return {
    async 'a wrong key is denied'(world) {
      expect(await kindOf(read(world.stranger, world, { within }))).toBe('denied');
    },

    async 'a call keeps its limit when the cloud does not answer'(world) {
      world.trouble('hanging');
      const span = await spanOf(async () => {
        expect(await kindOf(read(world.once, world, { within: ms(500) }))).toBe('unavailable');
      });
      expect(span).toBeLessThan(keptLimit);
    },

    async 'a throttled call is repeated until the cloud takes it'(world) {
      world.trouble('throttled');
      setTimeout(() => world.trouble(undefined), 300);
      expect(await kindOf(read(world.once, world, { within }))).toBe('ok');
    },

    async 'a call that stays throttled says so within its limit'(world) {
      world.trouble('throttled');
      const span = await spanOf(async () => {
        expect(await kindOf(read(world.once, world, { within: seconds(4) }))).toBe('throttled');
      });
      expect(span).toBeLessThan(keptLimit);
    },
  };
}
