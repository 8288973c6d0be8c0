import { expect, test } from 'vitest';
import type { ControllerGiven, ControllerPart } from '#capability/controller-part.ts';
import { ms, seconds, sleep, untilAborted, waitFor } from '#unit/clock.ts';
import { metrics } from '#unit/metrics.ts';
import { supervise } from './supervise.ts';

const soon = { first: ms(5), most: ms(50) };

function world() {
  const said: object[] = [];
  // These controllers ask for nothing but a place to tell.
  const given = { note: (facts: object) => said.push(facts) } as unknown as ControllerGiven;
  const stop = new AbortController();
  return { given, said, stop };
}

test('a controller that fails is started again alone, and its neighbour runs on undisturbed', async () => {
  const { given, said, stop } = world();
  const lives = { steady: 0, shaky: 0 };
  const ended: boolean[] = [];
  const parts: readonly ControllerPart[] = [
    {
      name: 'steady',
      run: async (_, end) => {
        lives.steady++;
        await untilAborted(end);
      },
    },
    {
      name: 'shaky',
      run: async (_, end) => {
        end.addEventListener('abort', () => ended.push(true));
        if (++lives.shaky < 4) throw new Error(`fault ${lives.shaky}`);
        await untilAborted(end);
      },
    },
  ];
  const done = supervise(parts, given, stop.signal, soon);
  await waitFor('the fourth life', async () => lives.shaky === 4, { within: seconds(10), every: ms(5) });
  // What the earlier lives had opened under their signal has ended with them.
  expect(ended).toHaveLength(3);
  expect(said).toMatchObject([1, 2, 3].map((n) => ({ controller: 'shaky', fault: `fault ${n}`, failures: n })));
  const text = await metrics.metrics();
  expect(text).toContain('isthmus_controller_restarts_total{controller="shaky"} 3');
  expect(text).toContain('isthmus_controller_running{controller="shaky"} 1');
  expect(text).not.toContain('isthmus_controller_restarts_total{controller="steady"}');
  stop.abort(new Error('enough'));
  await done;
  expect(lives).toEqual({ steady: 1, shaky: 4 });
});

test('a controller that returns before its time is started again too, and one that throws at once does not end the others', async () => {
  const { given, said, stop } = world();
  let lives = 0;
  const parts: readonly ControllerPart[] = [
    {
      name: 'short',
      run: async () => {
        lives++;
        await sleep(ms(1));
      },
    },
    {
      name: 'throws',
      run: () => {
        throw new Error('at once');
      },
    },
  ];
  const done = supervise(parts, given, stop.signal, soon);
  await waitFor('three lives', async () => lives >= 3, { within: seconds(10), every: ms(5) });
  stop.abort(new Error('enough'));
  await done;
  expect(said).toContainEqual(expect.objectContaining({ controller: 'short', fault: 'it returned' }));
  expect(said).toContainEqual(expect.objectContaining({ controller: 'throws', fault: 'at once' }));
});
