import { randomBytes } from 'node:crypto';
import { link, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { readIfThere } from '#host/files.ts';
import { ms, sleep } from '#unit/clock.ts';

/** Who works on a cluster. */
export interface Operator {
  readonly user: string;
  readonly host: string;
  readonly pid: number;
}

/** Another command is running on this cluster; nothing was done. */
export class ClusterHeld extends Error {
  constructor(cluster: string, holder: string, cure: string) {
    super(`another isthmus command is running on ${cluster}: ${holder}. Nothing was done; ${cure}`);
    this.name = 'ClusterHeld';
  }
}

export interface StateLock {
  /** @fails Error when the lock is not ours any more: somebody removed its file */
  check(): Promise<void>;
  release(): Promise<void>;
}

const recordSchema = z.object({
  user: z.string(),
  host: z.string(),
  pid: z.number().int(),
  /** ISO time. */
  since: z.string(),
  /** When the process began, in the kernel's ticks: a pid alone comes back. Absent where the kernel has no /proc. */
  born: z.string().optional(),
  nonce: z.string(),
});
type LockRecord = z.infer<typeof recordSchema>;

/**
 * One command at a time for one state folder. What a killed command left is taken over at once.
 * @fails ClusterHeld with who holds it
 */
export async function lockState(folder: string, cluster: string, operator: Operator): Promise<StateLock> {
  const lock = join(folder, 'lock');
  const mine: LockRecord = {
    ...operator,
    since: new Date().toISOString(),
    born: await birthOf(operator.pid),
    nonce: randomBytes(8).toString('hex'),
  };
  const draft = join(folder, `lock.${mine.nonce}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFile(draft, `${JSON.stringify(mine)}\n`, { mode: 0o600 });
  try {
    await take(lock, draft, cluster, operator);
  } finally {
    await rm(draft, { force: true });
  }
  const isOurs = async (): Promise<boolean> => (await readRecord(lock))?.nonce === mine.nonce;
  return {
    check: async () => {
      if (!(await isOurs()))
        throw new Error(`${lock} was removed or replaced while this ran; run the same command again to go on`);
    },
    release: async () => {
      if (await isOurs()) await rm(lock, { force: true });
    },
  };
}

/** Others who find the same dead holder at the same moment, and are done in an instant. */
const mostTries = 50;
const betweenTries = ms(10);

async function take(lock: string, draft: string, cluster: string, operator: Operator): Promise<void> {
  for (let tries = 0; tries < mostTries; tries++) {
    const holder = await takeOver(lock, draft, operator);
    if (holder === 'ours') return;
    if (holder !== undefined) throw heldBy(holder, cluster, lock, operator);
    await sleep(betweenTries);
  }
  throw new Error(
    `${lock} is taken by one command after another; check which isthmus commands run on this computer, then try again`,
  );
}

/**
 * One try to make the file at `path` ours. A dead holder's file is replaced only by whoever holds a claim on exactly that
 * holder, itself a file of the same kind that is taken in the same way: so nobody can replace the file of a successor.
 * @shape `ours`, the living holder, or `undefined` when it was changing hands just now
 */
async function takeOver(path: string, draft: string, operator: Operator): Promise<LockRecord | 'ours' | undefined> {
  if (await linkIfFree(draft, path)) return 'ours';
  const holder = await readRecord(path);
  if (holder === undefined || (await mayBeAlive(holder, operator))) return holder;
  const claim = `${path}.after-${holder.nonce}`;
  if ((await takeOver(claim, draft, operator)) !== 'ours') return undefined;
  try {
    if ((await readRecord(path))?.nonce !== holder.nonce) return undefined;
    await link(draft, `${draft}.next`);
    await rename(`${draft}.next`, path);
    return 'ours';
  } finally {
    await rm(claim, { force: true });
  }
}

function heldBy(holder: LockRecord, cluster: string, lock: string, operator: Operator): ClusterHeld {
  const who = `${holder.user} on ${holder.host}, pid ${holder.pid}, since ${holder.since}`;
  const cure =
    holder.host === operator.host
      ? 'wait until it ends, or stop that process'
      : `wait until it ends; if it is no longer running, remove ${lock}`;
  return new ClusterHeld(cluster, who, cure);
}

/** A link is made whole or not at all, and never over another. */
async function linkIfFree(draft: string, lock: string): Promise<boolean> {
  try {
    await link(draft, lock);
    return true;
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw e;
  }
}

/** A process of another computer that shares the folder can't be looked at. */
async function mayBeAlive(holder: LockRecord, operator: Operator): Promise<boolean> {
  if (holder.host !== operator.host) return true;
  try {
    process.kill(holder.pid, 0);
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ESRCH') return false;
  }
  return holder.born === undefined || (await birthOf(holder.pid)) === holder.born;
}

/** Field 22 of /proc/PID/stat, counted behind the command's name, which may hold spaces. @source proc_pid_stat(5) */
async function birthOf(pid: number): Promise<string | undefined> {
  const stat = await readIfThere(`/proc/${pid}/stat`);
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
}

/** `undefined` when there is none. @fails Error that names the file when it is not ours */
async function readRecord(path: string): Promise<LockRecord | undefined> {
  const text = await readIfThere(path);
  if (text === undefined) return undefined;
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error(
      `${path} is not a lock file of isthmus; remove it when no isthmus command is running on this cluster`,
      { cause },
    );
  }
}
