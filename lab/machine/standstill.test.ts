import { type ChildProcess, spawn } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { command } from '../toolchain/command.ts';
import type { Cgroups } from './cgroup.ts';
import type { ProcessMark } from './process-mark.ts';
import { atStandstill } from './standstill.ts';

interface Writer {
  readonly process: ChildProcess;
  size(this: void): Promise<number>;
}

const writers: Writer[] = [];
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'standstill-'));
  await mkdir(join(folder, 'machine'));
});
afterEach(async () => {
  for (const { process } of writers.splice(0)) process.kill('SIGKILL');
  await rm(folder, { recursive: true });
});

/** A process of the machine that writes all the time. */
async function startWriter(name: string): Promise<Writer> {
  const file = join(folder, name);
  const process = spawn('sh', ['-c', `while :; do echo x >> ${file}; done`]);
  const size = async (): Promise<number> => (await readFile(file, 'utf8').catch(() => '')).length;
  const writer = { process, size };
  writers.push(writer);
  await appendFile(join(folder, 'machine/cgroup.procs'), `${process.pid}\n`);
  await untilWriting(writer);
  return writer;
}

async function untilWriting({ size }: Writer): Promise<void> {
  const before = await size();
  await waitFor('more words', async () => (await size()) > before, { within: seconds(10), every: ms(10) });
}

async function isStill({ size }: Writer): Promise<boolean> {
  const before = await size();
  await sleep(ms(200));
  return (await size()) === before;
}

/** A program whose child lives for a moment between vfork and its own program, again and again, as shells and systemd do. */
const starter = `
#include <unistd.h>
#include <sys/wait.h>
int main(void) {
  for (;;) {
    pid_t child = vfork();
    if (child == 0) {
      for (volatile long i = 0; i < 20000000; i++);
      execl("/bin/true", "true", (char *)0);
      _exit(1);
    }
    waitpid(child, 0, 0);
  }
}`;

const cgroups = (): Cgroups => ({ kind: 'v1', hierarchies: [folder] });

test('nothing is written while all processes are held, and they go on afterwards although the work failed', async () => {
  const writer = await startWriter('writer');
  const held = atStandstill(cgroups(), ['machine'], async () => {
    expect(await isStill(writer)).toBe(true);
    throw new Error('no room on the disk');
  });
  await expect(held).rejects.toThrow('no room on the disk');
  await untilWriting(writer);
});

test('what stops last works while the others are held, before and after everything stands still', async () => {
  const [leader, server] = [await startWriter('leader'), await startWriter('server')];
  const servesAlone = async (): Promise<void> => {
    expect(await isStill(leader)).toBe(true);
    await untilWriting(server);
  };
  const work = async (): Promise<boolean> => (await isStill(leader)) && isStill(server);
  const isLast = ({ pid }: ProcessMark): boolean => pid === server.process.pid;
  const last = { isLast, before: servesAlone, after: servesAlone };
  expect(await atStandstill(cgroups(), ['machine'], work, last)).toBe(true);
  await untilWriting(leader);
  await untilWriting(server);
});

test('a machine in which a shell is just starting a program comes to a standstill all the same', async () => {
  const program = join(folder, 'starter');
  await writeFile(`${program}.c`, starter);
  await command('gcc', ['-O1', '-o', program, `${program}.c`]);
  const parent = spawn(program);
  const procs = join(folder, 'machine/cgroup.procs');
  writers.push({ process: parent, size: async () => 0 });
  const children = `/proc/${parent.pid}/task/${parent.pid}/children`;
  const childOf = async (): Promise<string> => (await readFile(children, 'utf8')).trim();
  for (let i = 0; i < 5; i++) {
    const child = await waitFor('a child', async () => (await childOf()) || undefined, {
      within: seconds(10),
      every: ms(5),
    });
    // Both as a control group would list them.
    await writeFile(procs, `${child}\n${parent.pid}\n`);
    const states = await atStandstill(cgroups(), ['machine'], () => readFile(`/proc/${parent.pid}/stat`, 'utf8'));
    expect(states).toContain('(starter) T');
  }
});
