import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { ms, sleep } from '#unit/clock.ts';
import { liveThrough, Mortal, makeBystander } from '../../support/local-life.ts';
import { type LocalMachine, openLocalMachine } from '../../support/local-machine.ts';

/** The long form of test/lab/storage/local/killed.test.ts: with file systems, mounts and data, and also killed in the middle of a change. */
let machine: LocalMachine;
let bystander: Awaited<ReturnType<typeof makeBystander>>;
let still: Awaited<ReturnType<LocalMachine['remains']>>;
let digest: string;

beforeAll(async () => {
  machine = await openLocalMachine(gibi(2));
  bystander = await makeBystander(machine);
  still = await machine.remains();
  digest = await bystander.digest();
});
afterEach(async () => {
  // Of a life that failed.
  await machine.must('sh', '-c', 'umount -q /var/lib/kubelet/life/pod/mount /var/lib/kubelet/life/stage || true');
});
afterAll(() => machine.close());

async function expectNothingLeft(): Promise<void> {
  await expect.poll(() => machine.remains(), { timeout: 20_000 }).toEqual(still);
  expect(await bystander.digest()).toBe(digest);
}

test.each(['ext4', 'xfs'])(
  'killed before every change, a volume with %s keeps what was written and leaves nothing',
  async (type) => {
    const whole = await Mortal.start(machine);
    await liveThrough(machine, whole, 0, type);
    await whole.stop();
    expect(whole.steps.length).toBeGreaterThan(14);
    for (let dieBefore = 1; dieBefore <= whole.steps.length; dieBefore++) {
      const mortal = await Mortal.start(machine, dieBefore);
      await liveThrough(machine, mortal, dieBefore, type);
      await expectNothingLeft();
      await mortal.stop();
      expect({ dieBefore, deaths: mortal.deaths, told: mortal.told }).toEqual({ dieBefore, deaths: 1, told: [] });
    }
  },
);

test('killed again and again at any moment, mkfs and mount in the middle, a volume keeps what was written', async () => {
  const types = ['ext4', 'xfs'];
  // How long a life takes depends on the computer.
  const spans: number[] = [];
  for (const [n, type] of types.entries()) {
    const whole = await Mortal.start(machine);
    const began = performance.now();
    await liveThrough(machine, whole, 90 + n, type);
    spans.push(performance.now() - began);
    await whole.stop();
  }
  let deaths = 0;
  for (let life = 0; life < 12; life++) {
    const mortal = await Mortal.start(machine);
    let isOver = false;
    const striking = (async () => {
      // By a fixed rule and not by chance: other moments with each life, and always rarer, so that the life comes to its end.
      for (let i = 0; !isOver; i++) {
        const share = 0.1 + ((life * 313 + i * 177) % 700) / 1000;
        await sleep(ms((spans[life % 2] ?? 0) * share * (1 + i / 2)));
        if (!isOver) await mortal.strike();
      }
    })();
    await liveThrough(machine, mortal, 100 + life, types[life % 2] ?? '');
    isOver = true;
    await striking;
    await mortal.stop();
    deaths += mortal.deaths;
    const last = await Mortal.start(machine);
    await expectNothingLeft();
    await last.stop();
  }
  expect(deaths).toBeGreaterThan(12);
});
