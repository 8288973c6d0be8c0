import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isAlive, parseMark, signal } from '#lab/machine/process-mark.ts';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { labOk, makeBundle, removeBundle, said, startLabCommand, tracesOf } from '../lab/lab-tools.ts';
import { keepEvidence } from '../support/evidence.ts';

/** The full form of what test/lab/lab.test.ts tries after each step: moments spread evenly over all of `lab up`. */
const name = 'killedup';
const { state, server, restarting } = pathsOf(name);
const moments = 40;
let bundle: string;
keepEvidence(name);

beforeAll(async () => {
  bundle = await makeBundle(0);
  await labOk('down', '--name', name);
});

afterAll(async () => {
  await labOk('down', '--name', name);
  await removeBundle(bundle);
});

/** Runs `lab up` until some time after `file` is there, or to its end; how long it then took. @unit ms */
async function up(file: string, killAfter?: number): Promise<number> {
  const command = startLabCommand(['up', '--name', name, '--machines', 'base-1', '--bundle', bundle]);
  const ended = said(command);
  const there = async (): Promise<boolean> => existsSync(file) || command.exitCode !== null;
  await waitFor(`${file}, or the end`, there, { within: minutes(1), every: ms(1) });
  const began = performance.now();
  if (killAfter !== undefined) {
    await Promise.race([wait(killAfter), ended]);
    command.kill('SIGKILL');
  }
  await ended;
  return performance.now() - began;
}

/** Afterwards nothing serves the lab, and the next `up` has to bring it back. */
async function killServer(): Promise<void> {
  const mark = existsSync(server) ? parseMark(await readFile(server, 'utf8')) : undefined;
  if (mark !== undefined) {
    signal(mark, 'SIGKILL');
    await waitFor('the end of the server', async () => !isAlive(mark), { within: seconds(20), every: ms(10) });
  }
  await rm(restarting, { force: true });
}

test(
  `leaves nothing when \`up\` is killed at any of ${moments} moments and then taken down`,
  async () => {
    const whole = await up(state);
    await labOk('down', '--name', name);
    const left: (readonly string[])[] = [];
    for (let moment = 0; moment < moments; moment++) {
      const after = (moment * whole) / moments;
      await up(state, after);
      left.push(tracesOf(name));
      await labOk('down', '--name', name);
      expect(tracesOf(name), `killed ${Math.round(after)} ms after its first file`).toEqual([]);
    }
    // Otherwise the moments were none: each left something, and the last more than the first.
    expect(left.every((traces) => traces.length > 0)).toBe(true);
    expect(left.at(-1)?.length).toBeGreaterThan(left[0]?.length ?? 0);
  },
  minutes(20),
);

test(
  'a lab whose server died comes back, however often bringing it back was killed, and then leaves nothing',
  async () => {
    await up(state);
    await killServer();
    const whole = await up(restarting);
    const kept = ['--name', name, 'base-1', '--', 'sh', '-c'];
    await labOk('exec', ...kept, 'echo kept >/root/kept; sync');
    for (let moment = 0; moment < 12; moment++) {
      await killServer();
      await up(restarting, (moment * whole) / 12);
    }
    await killServer();
    expect(await labOk('up', '--name', name)).toContain('is up again');
    expect(await labOk('exec', ...kept, 'cat /root/kept')).toBe('kept');
    await labOk('down', '--name', name);
    expect(tracesOf(name)).toEqual([]);
  },
  minutes(10),
);
