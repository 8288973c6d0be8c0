import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { configMaps } from '#kube/resources.ts';
import { minutes, waitFor } from '#unit/clock.ts';
import type { ApiServer } from './api-server.ts';

/** One version of the counted object. */
export interface Counted {
  readonly term: number;
  readonly writer: string;
  readonly n: number;
}

interface Candidate {
  readonly child: ChildProcess;
  /** Its last term is going on, as far as it has told. */
  leads: boolean;
}

/**
 * Three candidates in processes of their own. The leader is frozen, so that another takes over before it is let go on, or
 * killed, so that another takes over and a new process stands in; in turns.
 * @shape every version that the counted object ever had, in order
 */
export async function unseatLeaders(server: ApiServer, times: number): Promise<readonly Counted[]> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-leaders-'));
  const access = join(folder, 'access.json');
  await writeFile(access, JSON.stringify(server.access), { mode: 0o600 });
  const kube = connect(server.access);
  const stop = new AbortController();
  const candidates: Candidate[] = [];
  const stand = (): number => candidates.push(startCandidate(access, `candidate-${candidates.length}`));
  try {
    const writes = await followCount(kube, stop.signal);
    for (let i = 0; i < 3; i++) stand();
    for (let round = 0; round < times; round++) {
      const frozen = round % 2 === 0;
      await unseat(candidates, writes, frozen);
      if (!frozen) stand();
    }
    return writes;
  } finally {
    stop.abort(new Error('the test has ended'));
    await Promise.all(candidates.map(({ child }) => ended(child)));
    await kube.close();
    await rm(folder, { recursive: true });
  }
}

function startCandidate(access: string, identity: string): Candidate {
  const program = join(import.meta.dirname, '../lab/kube/leader.ts');
  const args = [program, '--access', access, '--identity', identity];
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const candidate: Candidate = { child, leads: false };
  createInterface({ input: child.stdout }).on('line', (line) => {
    const told = JSON.parse(line) as { leads?: number; ends?: number };
    if (told.leads !== undefined) candidate.leads = true;
    if (told.ends !== undefined) candidate.leads = false;
  });
  return candidate;
}

/** Makes the counted object. What is given back grows with each of its versions. */
async function followCount(kube: Kube, stop: AbortSignal): Promise<readonly Counted[]> {
  const at = { namespace: 'default', name: 'count' };
  await kube.create(configMaps, { metadata: at, data: { term: '-1', writer: 'nobody', n: '0' } });
  const writes: Counted[] = [];
  const cache = kube.cache(configMaps, { namespace: 'default', fieldSelector: 'metadata.name=count' }, stop);
  cache.onChange(() => {
    const { term, writer = '', n } = cache.get(at)?.data ?? {};
    writes.push({ term: Number(term), writer, n: Number(n) });
  });
  await cache.synced;
  return writes;
}

/** Freezes or kills whoever counts until another does. The frozen one is let go on then, and gives up. */
async function unseat(candidates: readonly Candidate[], writes: readonly Counted[], frozen: boolean): Promise<void> {
  const leader = await waitFor('one to count', async () => countingNow(candidates, writes), { within: minutes(2) });
  const { term } = writes.at(-1) as Counted;
  leader.child.kill(frozen ? 'SIGSTOP' : 'SIGKILL');
  await waitFor('another to count', async () => (writes.at(-1)?.term ?? 0) > term, { within: minutes(2) });
  if (!frozen) return;
  leader.child.kill('SIGCONT');
  await waitFor('the late one to give up', async () => !leader.leads, { within: minutes(1) });
}

/** Whose the last write is, while that process goes on leading. */
function countingNow(candidates: readonly Candidate[], writes: readonly Counted[]): Candidate | undefined {
  const writer = candidates[Number(writes.at(-1)?.writer.split('-')[1])];
  return writer?.leads ? writer : undefined;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
