import { afterAll, beforeAll, expect, test } from 'vitest';
import { moments, shareLifeKilledAt } from '../../../support/killed-share-life.ts';
import { nameOf } from '../../../support/local-calls.ts';
import { openShareDriver, type ShareDriver } from '../../../support/share-driver.ts';

let driver: ShareDriver;
let share: string;
beforeAll(async () => {
  driver = await openShareDriver();
  share = await driver.makeForeign('killed-files');
});
afterAll(() => driver.close());

let count = 0;

test.each([
  ['a directory that is deleted', () => ({ share, onDelete: 'delete' }), () => []],
  ['a directory that is kept', () => ({ share, onDelete: 'archive' }), (name: string) => [`archived-${name}`]],
  ['a whole file share', () => ({ kind: 'advanced' }), () => []],
] as const)(
  'a share controller that is killed at any step of the life of %s leaves nothing, and makes it once',
  async (_what, parameters, kept) => {
    const live = (dieAt: number, moment: (typeof moments)[number]) => {
      count += 1;
      const name = nameOf(count);
      return shareLifeKilledAt(driver, { name, parameters: parameters(), dieAt, moment }).then((life) => ({
        ...life,
        expected: kept(name),
      }));
    };
    const { steps, left, expected } = await live(1000, 'after');
    expect(left).toEqual(expected);
    // Or nothing was killed.
    expect(steps.length).toBeGreaterThan(3);
    for (let dieAt = 0; dieAt < steps.length; dieAt++)
      for (const moment of moments) {
        const life = await live(dieAt, moment);
        expect(life, `killed ${moment} step ${dieAt}, ${steps[dieAt]}`).toMatchObject({
          wasKilled: true,
          left: life.expected,
        });
      }
  },
);
