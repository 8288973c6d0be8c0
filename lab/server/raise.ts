import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type AddonName, bundleSchema } from '#cluster/bundle/bundle.ts';
import { eachOf } from '#cluster/each-of.ts';
import { minutes, ms, now, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { openFabric } from '../fabric/fabric.ts';
import { checkLabName, markOf, places } from '../fabric/names.ts';
import { awaitReady } from '../saved/cluster-ready.ts';
import type { OpenSaved } from '../saved/open-saved.ts';
import { command } from '../toolchain/command.ts';
import { claimNew, claimStanding } from './claim.ts';
import { isServed, openLab } from './client.ts';
import { formatCluster } from './format-cluster.ts';
import { anotherServes } from './only-server.ts';
import { removeLab } from './remains.ts';
import { type LabPaths, type LabSettings, pathsOf, type SiteMode, writeSettings } from './settings.ts';

export interface LabWish {
  readonly name: string;
  readonly machines: readonly string[];
  readonly speed: number;
  readonly image: string;
  /** Folder of `bundle.json`. */
  readonly bundle: string;
  readonly addons?: readonly AddonName[];
  readonly siteMode?: SiteMode;
}

/** A lab that begins as a saved one: everything else is as it was saved. */
export interface SavedWish {
  readonly name: string;
  readonly saved: OpenSaved;
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
export async function raiseLab(wish: LabWish | SavedWish, told: Told, stop?: AbortSignal): Promise<void> {
  const paths = pathsOf(checkLabName(wish.name));
  const began = now();
  await claimNew(wish.name);
  try {
    const timed = timer(told, stop);
    const files = (): Promise<void> =>
      'saved' in wish
        ? timed('state and disks laid out', () => wish.saved.layOut(wish.name))
        : timed('settings and keys written', () => writeFiles(wish, paths));
    const networks = (): Promise<void> => timed('networks made', () => openFabric(wish.name).raise());
    // At once: neither needs the other.
    await eachOf([files, networks], 2, (make) => make());
    await timed('lab server started', () => startServer(wish.name, paths));
    await awaitMachines(wish.name, told, stop);
    if ('saved' in wish) await goOn(wish);
    await rm(paths.raising);
  } catch (e) {
    const log = await logEnd(paths.log);
    await removeLab(wish.name);
    throw new Error(`lab "${wish.name}" did not come up, and nothing of it is left: ${messageOf(e)}${log}`, {
      cause: e,
    });
  }
  // A cluster that does not get ready is there to be looked at.
  if ('saved' in wish)
    await timer(told, stop)('cluster ready again', () => awaitReady(wish.name, wish.saved.card.ready, began));
}

/** What a saved lab has beside disks and the cloud's state. */
async function goOn({ name, saved: { card } }: SavedWish): Promise<void> {
  const { rateKbit = null, ...line } = card.line;
  await (await openLab(name)).changeLine({ ...line, rateKbit });
  await openFabric(name).setGatewayRoutes('gateway', card.routes);
}

/**
 * Starts the server of a lab that stands, or stood until the computer restarted. The machines lost power with the server and
 * boot again with the disks they have, cloud machines as the kept ledger says.
 * @shape whether there was something to do: another command may have brought it back meanwhile
 * @fails Error for a lab that never came up or that another command is at work on, and with the end of the server's log
 */
export async function restartLab(name: string, told: Told): Promise<boolean> {
  const paths = pathsOf(checkLabName(name));
  const release = await claimStanding(name);
  try {
    if (await isServed(name)) return false;
    await startAgain(name, paths, told);
    return true;
  } finally {
    await release();
  }
}

async function startAgain(name: string, paths: LabPaths, told: Told): Promise<void> {
  const timed = timer(told);
  try {
    if (!existsSync(`/run/netns/${markOf(name, 'vpc')}`)) await timed('networks made', () => openFabric(name).raise());
    await timed('lab server started', () => startServer(name, paths));
    await awaitMachines(name, told);
  } catch (e) {
    throw new Error(`lab "${name}" did not come up again: ${messageOf(e)}${await logEnd(paths.log)}`, { cause: e });
  }
}

/** @fails Error that names the first one that a physical machine of a lab can't have */
export function checkMachineNames(names: readonly string[]): readonly string[] {
  const taken = new Set<string>([...places, 'gateway']);
  for (const name of names) {
    if (!/^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$/.test(name) || /^(uhost|nlb)-/.test(name))
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
  child.once('exit', (code) => (ended = code !== anotherServes));
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
