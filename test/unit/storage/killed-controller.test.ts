import { expect, test } from 'vitest';
import { openDiskCloud } from '../../support/disk-cloud.ts';
import { lifeKilledAt } from '../../support/killed-controller.ts';

test('a controller that is killed before and after every step it takes leaves no disk, no attachment and no intent', async () => {
  const cloud = await openDiskCloud({});
  const machine = await cloud.makeMachine('web-1');
  const whole = await lifeKilledAt(cloud, machine, undefined);
  expect(whole.seen).toEqual([
    '10 GiB at 0; 1 intents',
    '10 GiB at 1; 0 intents',
    '20 GiB at 1; 0 intents',
    '20 GiB at 0; 0 intents',
    'no disk; 0 intents',
  ]);
  // Five calls that change something, and as many looks at least.
  expect(whole.steps).toBeGreaterThan(10);
  for (let step = 0; step < whole.steps; step++)
    for (const moment of ['before', 'after'] as const) {
      const { seen } = await lifeKilledAt(cloud, machine, { step, moment });
      expect(seen, `killed ${moment} step ${step}`).toEqual(whole.seen);
    }
  await cloud.close();
}, 120_000);
