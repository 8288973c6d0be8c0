import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { tryLock } from '#host/lock.ts';
import { ms, seconds, WaitedTooLong, waitFor } from '#unit/clock.ts';
import { formatMark, isAlive, observeMark, type ProcessMark, parseMark } from '../machine/process-mark.ts';
import { type LabPaths, pathsOf } from './settings.ts';

/**
 * Claims the name of a lab that is to be made. Making its folder is the claim: of two commands at once only one succeeds. What
 * marks the work goes with `raising`, which the caller removes when the lab stands.
 * @fails Error when there is something of that lab
 */
export async function claimNew(lab: string): Promise<void> {
  const paths = pathsOf(lab);
  await mkdir(dirname(paths.state), { recursive: true });
  await mkdir(paths.state, { mode: 0o700 }).catch((e: NodeJS.ErrnoException) => {
    throw e.code === 'EEXIST' ? new Error(atWork(lab)) : e;
  });
  await writeMark(paths.raising);
}

/**
 * Claims a lab that was made and whose server is to be started again, until the returned function is called. Who dies with the
 * claim leaves the lab to the next.
 * @fails Error when another command is at work on it, and for a lab that never came up
 */
export async function claimStanding(lab: string): Promise<() => Promise<void>> {
  const paths = pathsOf(lab);
  await checkWhole(lab, paths);
  const unlock = await tryLock(paths.lock);
  if (unlock === undefined) throw new Error(atWork(lab));
  await writeMark(paths.restarting);
  return async () => {
    await rm(paths.restarting, { force: true });
    await unlock();
  };
}

async function checkWhole(lab: string, paths: LabPaths): Promise<void> {
  await awaitMark(paths);
  const mark = await maker(paths);
  if (mark !== undefined && isAlive(mark)) throw new Error(atWork(lab));
  if (existsSync(paths.raising) || !existsSync(paths.settings))
    throw new Error(
      `lab "${lab}" is only half there; remove it with \`isthmus lab down --name ${lab}\`, then try again`,
    );
}

/** Who makes a lab makes its folder and writes its mark a moment later; who was killed in between never does. */
async function awaitMark(paths: LabPaths): Promise<void> {
  const marked = async (): Promise<boolean> => existsSync(paths.settings) || (await maker(paths)) !== undefined;
  await waitFor('the mark of who makes the lab', marked, { within: seconds(1), every: ms(20) }).catch((e: unknown) => {
    if (!(e instanceof WaitedTooLong)) throw e;
  });
}

async function maker({ raising }: LabPaths): Promise<ProcessMark | undefined> {
  return existsSync(raising) ? parseMark(await readFile(raising, 'utf8')) : undefined;
}

/** So that `lab down` finds this process, which would make new things while others are removed. */
async function writeMark(file: string): Promise<void> {
  const own = observeMark(process.pid);
  if (own !== undefined) await writeFile(file, formatMark(own));
}

function atWork(lab: string): string {
  return `another command is at work on lab "${lab}" right now; when it is done, \`isthmus lab up --name ${lab}\` tells how the lab is`;
}
