import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bundleSchema } from '#cluster/bundle.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { openFabric } from '../fabric/fabric.ts';
import { checkLabName, markOf, places } from '../fabric/names.ts';
import { formatMark, isAlive, observeMark, parseMark } from '../machine/process-mark.ts';
import { command } from '../toolchain/command.ts';
import { isServed, openLab } from './client.ts';
import { formatCluster } from './format-cluster.ts';
import { removeLab } from './remains.ts';
import { type LabPaths, type LabSettings, pathsOf, writeSettings } from './settings.ts';

export interface LabWish {
  readonly name: string;
  readonly machines: readonly string[];
  readonly speed: number;
  readonly image: string;
  /** Folder of `bundle.json`. */
  readonly bundle: string;
}

/** Called as each step is done, with the time it took in milliseconds. */
export type Told = (step: string, took: number) => void;

/** Whether a lab of that name stands. `broken`: there is something of it, but its server does not run. */
export async function observeLab(name: string): Promise<'none' | 'up' | 'broken'> {
  if (!existsSync(pathsOf(name).state)) return 'none';
  return (await isServed(name)) ? 'up' : 'broken';
}

/**
 * Makes a lab and waits until its physical machines answer SSH. If it does not come that far, nothing of it is left.
 * @fails Error with what failed and the end of the server's log; so too when `stop` is aborted
 */
export async function raiseLab(wish: LabWish, told: Told, stop?: AbortSignal): Promise<void> {
  const paths = pathsOf(checkLabName(wish.name));
  await claim(paths);
  try {
    const timed = timer(told, stop);
    await timed('settings and keys written', () => writeFiles(wish, paths));
    await timed('networks made', () => openFabric(wish.name).raise());
    await timed('lab server started', () => startServer(wish.name, paths));
    await awaitMachines(wish.name, told, stop);
    await rm(paths.raising);
  } catch (e) {
    const log = await logEnd(paths.log);
    await removeLab(wish.name);
    throw new Error(`lab "${wish.name}" did not come up, and nothing of it is left: ${messageOf(e)}${log}`, {
      cause: e,
    });
  }
}

/**
 * Starts the server of a lab that stands, or stood until the computer restarted. The machines lost power with the server and
 * boot again with the disks they have, cloud machines as the kept ledger says.
 * @fails Error for a lab that never came up, and with the end of the server's log
 */
export async function restartLab(name: string, told: Told): Promise<void> {
  const paths = pathsOf(checkLabName(name));
  if (existsSync(paths.raising) || !existsSync(paths.settings))
    throw new Error(
      `lab "${name}" is only half there; remove it with \`isthmus lab down --name ${name}\`, then try again`,
    );
  const timed = timer(told);
  await claimWork(paths);
  try {
    if (!existsSync(`/run/netns/${markOf(name, 'vpc')}`)) await timed('networks made', () => openFabric(name).raise());
    await timed('lab server started', () => startServer(name, paths));
    await awaitMachines(name, told);
  } catch (e) {
    throw new Error(`lab "${name}" did not come up again: ${messageOf(e)}${await logEnd(paths.log)}`, { cause: e });
  } finally {
    await rm(paths.raising);
  }
}

/** @fails Error that names the first one that a physical machine of a lab can't have */
export function checkMachineNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>([...places, 'gateway']);
  for (const name of names) {
    if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name) || name.startsWith('uhost-'))
      throw new Error(`machine name "${name}": write lower-case letters, digits and dashes, such as base-1`);
    if (taken.has(name)) throw new Error(`machine name "${name}" is taken; choose another, such as base-${taken.size}`);
    taken.add(name);
  }
  if (names.length > firstMachine.room)
    throw new Error(`${names.length} machines are too many; ask for ${firstMachine.room}`);
  return names;
}

/** @unit last part of the site's addresses: 192.168.50.11 and up */
const firstMachine = { at: 11, room: 100 } as const;

/** Making the folder is the claim: of two commands at once only one succeeds. */
async function claim(paths: LabPaths): Promise<void> {
  await mkdir(dirname(paths.state), { recursive: true });
  await mkdir(paths.state, { mode: 0o700 }).catch((e: NodeJS.ErrnoException) => {
    if (e.code === 'EEXIST')
      throw new Error(`${paths.state} is there already: another command makes this lab right now`);
    throw e;
  });
  await claimWork(paths);
}

/** @fails Error when another command is at work on this lab */
async function claimWork(paths: LabPaths): Promise<void> {
  const own = observeMark(process.pid);
  if (own !== undefined) await writeFile(paths.raising, formatMark(own), { flag: 'wx' });
}

async function writeFiles(wish: LabWish, paths: LabPaths): Promise<void> {
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', `isthmus-lab-${wish.name}`, '-f', paths.key]);
  const settings: LabSettings = {
    ...wish,
    bundle: await readBundle(wish.bundle),
    machines: wish.machines.map((name, n) => ({ name, address: `192.168.50.${firstMachine.at + n}` })),
    account: {
      publicKey: randomBytes(30).toString('base64url'),
      privateKey: randomBytes(30).toString('base64url'),
      project: { id: 'org-lab', name: wish.name },
      region: 'cn-bj2',
      zone: 'cn-bj2-04',
    },
    authorizedKey: await readFile(`${paths.key}.pub`, 'utf8'),
  };
  await writeSettings(settings);
  await writeFile(join(paths.state, 'cluster.yaml'), formatCluster(settings));
  const { publicKey, privateKey } = settings.account;
  await writeFile(
    join(paths.state, 'credentials'),
    `UCLOUD_PUBLIC_KEY=${publicKey}\nUCLOUD_PRIVATE_KEY=${privateKey}\n`,
    { mode: 0o600 },
  );
}

async function readBundle(folder: string): Promise<LabSettings['bundle']> {
  const text = await readFile(join(folder, 'bundle.json'));
  const { versions } = bundleSchema.parse(JSON.parse(text.toString('utf8')));
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return { folder, digest, kubernetes: versions.kubernetes };
}

async function startServer(lab: string, paths: LabPaths): Promise<void> {
  const log = await open(paths.log, 'a');
  const program = join(import.meta.dirname, '../server.ts');
  const child = spawn('nsenter', [`--net=/run/netns/${markOf(lab, 'vpc')}`, process.execPath, program, lab], {
    detached: true,
    cwd: '/',
    stdio: ['ignore', log.fd, log.fd],
  });
  await log.close();
  let ended = false;
  child.once('exit', () => (ended = true));
  child.once('error', () => (ended = true));
  const served = await waitFor('the lab server to answer', async () => (ended ? 'ended' : isServed(lab)), {
    // After a crash it boots the cloud machines first.
    within: minutes(2),
    every: ms(50),
  });
  if (served === 'ended') throw new Error('the lab server ended at once');
  child.unref();
}

async function awaitMachines(lab: string, told: Told, stop?: AbortSignal): Promise<void> {
  const client = await openLab(lab);
  let seen = 0;
  await waitFor(
    'the machines to answer SSH',
    async () => {
      const { start } = await client.status();
      for (const step of start.done.slice(seen)) told(step.what, step.took);
      seen = start.done.length;
      return start.complete || start.failed !== undefined;
    },
    { within: minutes(2), every: ms(100), ...(stop !== undefined && { signal: stop }) },
  );
  const { start } = await client.status();
  if (start.failed !== undefined) throw new Error(start.failed);
}

function timer(told: Told, stop?: AbortSignal) {
  return async (step: string, act: () => Promise<void>): Promise<void> => {
    stop?.throwIfAborted();
    const began = performance.now();
    await act();
    told(step, performance.now() - began);
  };
}

async function logEnd(file: string): Promise<string> {
  if (!existsSync(file)) return '';
  const text = (await readFile(file, 'utf8')).trim();
  return text === '' ? '' : `\nthe server's log ends with:\n${text.slice(-2000)}`;
}

function messageOf(e: unknown): string {
  return e instanceof Error ? e.message : String(e);
}

/** Whether a `lab up` of this name is at work right now. */
export async function isBeingRaised(name: string): Promise<boolean> {
  const file = pathsOf(name).raising;
  const mark = existsSync(file) ? parseMark(await readFile(file, 'utf8')) : undefined;
  return mark !== undefined && isAlive(mark);
}
