import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { formatMs, minutes, ms } from '#unit/clock.ts';
import { startApiServer } from '../test/support/api-server.ts';
import { buildGoProgram } from '../test/support/go-program.ts';
import { startFollower } from './follower.ts';
import { type Outcome, tableOf } from './kube-table.ts';
import type { FollowReport } from './report.ts';
import { makeWorld, type World } from './world.ts';

interface Contender {
  readonly title: string;
  readonly peer: string;
  readonly command: readonly string[];
}

/**
 * Follows the pods of one real API server, and changes of a fifth of them, with client-go's informer and with our client, one
 * after the other. A follower whose copy is not what etcd holds ends the run: then there is nothing to compare.
 */
export async function benchKube(objects = 50_000): Promise<void> {
  const changes = Math.ceil(objects / 5);
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  try {
    const contenders = await prepare(folder);
    const server = await startApiServer({ ...(await ensureBinaries(note)), within: minutes(2) });
    try {
      await writeFile(join(folder, 'access.json'), JSON.stringify(server.access), { mode: 0o600 });
      note(`writing ${objects} pods`);
      const world = await makeWorld(server, objects);
      const outcomes: Outcome[] = [];
      for (const [round, contender] of contenders.entries())
        outcomes.push(await measure(contender, world, { round: round + 1, changes }));
      console.log(`\n${tableOf(outcomes)}`);
    } finally {
      await server.stop();
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Ours is bundled as the programs that ship are: Node's stripping of types would count as ours otherwise. */
async function prepare(folder: string): Promise<readonly Contender[]> {
  const access = ['--access', join(folder, 'access.json')];
  const informer = [await buildGoProgram(join(import.meta.dirname, 'informer'), note), ...access];
  const bundle = join(folder, 'follow.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'follow.ts')],
    outfile: bundle,
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    logLevel: 'silent',
  });
  const ours = [process.execPath, '--expose-gc', bundle, ...access];
  const [json, protobuf, little] = [
    'client-go, JSON',
    'client-go, protobuf',
    'client-go, transform, protobuf',
  ] as const;
  return [
    { title: json, peer: json, command: informer },
    { title: protobuf, peer: protobuf, command: [...informer, '--wire', 'protobuf'] },
    { title: little, peer: little, command: [...informer, '--wire', 'protobuf', '--keep', 'little'] },
    { title: 'isthmus', peer: json, command: ours },
    { title: 'isthmus, keep', peer: little, command: [...ours, '--keep', 'little'] },
  ];
}

async function measure(
  { title, peer, command }: Contender,
  world: World,
  { round, changes }: { readonly round: number; readonly changes: number },
): Promise<Outcome> {
  const start = performance.now();
  const follower = startFollower([...command, '--end', world.lastOf(round)]);
  const reported = async (phase: FollowReport['phase']): Promise<FollowReport> => {
    const report = await follower.next(minutes(5));
    if (report.phase !== phase) throw new Error(`${title} told "${report.phase}" where "${phase}" was due`);
    if (report.digest !== world.digest())
      throw new Error(
        `${title} has ${report.objects} objects after "${phase}", and they are not those that etcd holds`,
      );
    return report;
  };
  try {
    const synced = await reported('synced');
    // Its second clock starts here: the changes must not come before.
    await follower.next(minutes(1));
    await world.change(round, changes);
    const changed = await reported('changed');
    note(`${title}: both copies equal etcd's, after ${formatMs(ms(performance.now() - start))}`);
    return { title, peer, synced, changed, changes };
  } finally {
    follower.end();
  }
}

function note(line: string): void {
  console.log(`     ${line}`);
}
