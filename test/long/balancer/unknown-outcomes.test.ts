import { test } from 'vitest';
import { minutes } from '#unit/clock.ts';
import { lives, signForLives } from '../../support/balancer-lives.ts';
import { type LostAnswer, liveWithLostAnswers, lostAnswers } from '../../support/lives-of-turns.ts';

const certificates = await signForLives();

test.each(Object.entries(lives))(
  'each answer of a whole life is lost in turn, the call done and not done, and nothing is made twice or left behind: %s',
  async (title, lifeOf) => {
    const asked = await liveWithLostAnswers(certificates, lifeOf, []);
    const count = new Map<string, number>();
    for (const action of asked) {
      const skip = count.get(action) ?? 0;
      count.set(action, skip + 1);
      for (const kind of lostAnswers) await liveOnce(lifeOf, { action, skip, kind });
    }
    console.log(`${title}: ${asked.length} calls, each lost twice`);
  },
  minutes(10),
);

async function liveOnce(lifeOf: (typeof lives)[string], lost: LostAnswer): Promise<void> {
  try {
    await liveWithLostAnswers(certificates, lifeOf, [lost]);
  } catch (cause) {
    throw new Error(`${lost.kind} of ${lost.action}, call ${lost.skip + 1}`, { cause });
  }
}
