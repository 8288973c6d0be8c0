import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';
import { beforeEach } from 'vitest';
import { markOf, type Place, places } from '#lab/fabric/names.ts';
import { enterMachine, enterNetwork } from '#lab/machine/enter.ts';
import { observeMachines } from '#lab/server/machines.ts';
import { pathsOf, readSettings } from '#lab/server/settings.ts';
import { type Ms, minutes, seconds } from '#unit/clock.ts';

const root = join(homedir(), '.cache/isthmus/evidence');
const keptFolders = 20;

/** Packets of one place, kept while a test runs and left with its evidence. */
export interface Capture {
  readonly where: Place;
  /** `line0` of `vpc` is the leased line. */
  readonly link: string;
}

/**
 * From now on every test of this file that fails leaves one folder with all that tells why, and prints where it lies.
 * @shape `~/.cache/isthmus/evidence/<test>-<time>/`: `cloud.jsonl`, `lab.log`, `places/`, `machines/<name>/`, `cluster/`, `*.pcap`
 */
export function keepEvidence(lab: string, { captures = [] }: { readonly captures?: readonly Capture[] } = {}): void {
  beforeEach(async ({ task, onTestFailed, onTestFinished }) => {
    const packets = captures.length === 0 ? undefined : await startCaptures(lab, captures);
    // Vitest calls this one first; by then it knows how the test ended.
    onTestFinished(async () => {
      await packets?.stop();
      if (task.result?.state !== 'fail') await packets?.drop();
    });
    onTestFailed(async () => {
      const folder = await gatherEvidence(lab, task.name);
      await packets?.moveTo(folder);
      console.error(`evidence of "${task.name}": ${folder}`);
    }, minutes(3));
  });
}

/**
 * Writes down how the lab is now. A look that fails leaves its error in place of what it would have shown.
 * @shape the folder
 */
async function gatherEvidence(lab: string, title: string): Promise<string> {
  const folder = join(root, `${nameFor(title)}-${new Date().toISOString().replaceAll(/[:.]/g, '-')}`);
  await mkdir(folder, { recursive: true });
  await Promise.all([serverLog(lab, folder), placesOf(lab, folder), machinesOf(lab, folder), clustersOf(lab, folder)]);
  await forgetOld();
  return folder;
}

function nameFor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 60);
}

/** The lab's own log, and the calls of the cloud's API out of it. */
async function serverLog(lab: string, folder: string): Promise<void> {
  const { log } = pathsOf(lab);
  if (!existsSync(log)) return;
  await copyFile(log, join(folder, 'lab.log'));
  const calls = createWriteStream(join(folder, 'cloud.jsonl'));
  for await (const line of createInterface({ input: createReadStream(log) }))
    if (line.includes('"cloud":')) calls.write(`${line}\n`);
  await finished(calls.end());
}

const network = [
  'ip -details address',
  'ip rule',
  'ip route show table all',
  'ip neighbour',
  'nft list ruleset',
  'ss -tunap',
];

async function placesOf(lab: string, folder: string): Promise<void> {
  await mkdir(join(folder, 'places'));
  const script = shellOf(network);
  await Promise.all(
    places.map((place) => look(join(folder, 'places', `${place}.txt`), enterNetwork(markOf(lab, place), script))),
  );
}

async function machinesOf(lab: string, folder: string): Promise<void> {
  await Promise.all(
    observeMachines(lab).map(async ({ key, name, init }) => {
      const own = join(folder, 'machines', name === key ? name : `${name}-${key}`);
      await mkdir(own, { recursive: true });
      const console = join(pathsOf(lab).machines, key, 'console.log');
      if (existsSync(console)) await copyFile(console, join(own, 'console.log'));
      if (init === undefined) {
        await writeFile(join(own, 'off'), 'The machine was off.\n');
        return;
      }
      const inside = (script: readonly string[]): readonly string[] => enterMachine(init, script, { term: 'dumb' });
      await look(join(own, 'network.txt'), inside(shellOf(network)));
      await look(join(own, 'processes.txt'), inside(['ps', 'axfo', 'pid,stat,etime,args']));
      await look(
        join(own, 'journal.log'),
        inside(['journalctl', '--no-pager', '--lines=20000', '--output=short-precise']),
      );
    }),
  );
}

const clusterLooks: Readonly<Record<string, readonly string[]>> = {
  'objects.txt': ['get', 'nodes,pods,services,endpointslices,podranges', '-A', '-o', 'wide'],
  'podranges.yaml': ['get', 'podranges', '-o', 'yaml'],
  'events.txt': ['get', 'events', '-A', '--sort-by=.lastTimestamp'],
  'nodes.txt': ['describe', 'nodes'],
  'pods.txt': ['describe', 'pods', '-A'],
  'agents.log': ['logs', '-n', 'isthmus-system', '--prefix', '--tail=-1', '-l', 'app.kubernetes.io/name=isthmus-agent'],
  'controller.log': [
    'logs',
    '-n',
    'isthmus-system',
    '--prefix',
    '--tail=-1',
    '-l',
    'app.kubernetes.io/name=isthmus-controller',
  ],
};

async function clustersOf(lab: string, folder: string): Promise<void> {
  const made = join(pathsOf(lab).state, '.isthmus');
  if (!existsSync(made)) return;
  const { bundle } = await readSettings(lab);
  for (const cluster of await readdir(made)) {
    const own = join(folder, 'cluster', cluster);
    await mkdir(own, { recursive: true });
    const kubectl = [join(bundle.folder, 'bin/kubectl'), `--kubeconfig=${join(made, cluster, 'kubeconfig')}`];
    await Promise.all(
      Object.entries(clusterLooks).map(([file, args]) =>
        look(join(own, file), enterNetwork(markOf(lab, 'office'), [...kubectl, '--request-timeout=20s', ...args])),
      ),
    );
  }
}

function shellOf(commands: readonly string[]): readonly string[] {
  return ['sh', '-c', commands.map((line) => `echo '$ ${line}'; ${line}; echo`).join('\n')];
}

/** Both outputs of a command into a file, with how it ended; stopped when it takes too long. */
async function look(file: string, [program = '', ...args]: readonly string[], within: Ms = seconds(60)): Promise<void> {
  const output = createWriteStream(file);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const late = setTimeout(() => child.kill('SIGKILL'), within);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  const end = await new Promise<string>((resolve) => {
    child.once('error', (cause) => resolve(cause.message));
    child.once('close', (code, signal) => resolve(String(signal ?? code)));
  });
  clearTimeout(late);
  await finished(output.end(end === '0' ? '' : `\n[${program} ${args.join(' ')} ended with ${end}]\n`));
}

interface Captures {
  stop(): Promise<void>;
  moveTo(folder: string): Promise<void>;
  drop(): Promise<void>;
}

/** The last 20 MB of each, heads of packets only. */
async function startCaptures(lab: string, captures: readonly Capture[]): Promise<Captures> {
  const folder = await mkdtemp(join(tmpdir(), 'evidence-'));
  const running = captures.map(({ where, link }) => {
    const file = join(folder, `${where}-${link}.pcap`);
    // Each packet at once: the last ones before a failure would otherwise still lie in a buffer.
    const prompt = ['--immediate-mode', '--packet-buffered'];
    const dump = ['tcpdump', '-Z', 'root', '-n', '-i', link, ...prompt, '-s', '192', '-C', '10', '-W', '2', '-w', file];
    const [program = '', ...args] = enterNetwork(markOf(lab, where), dump);
    const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    const ended = new Promise<void>((resolve) => {
      child.once('error', () => resolve());
      child.once('exit', () => resolve());
    });
    // Its first words: it listens, or why it can't. A test doesn't fail for want of evidence.
    const begun = Promise.race([ended, once(child.stderr, 'data')]);
    child.stderr.resume();
    return { child, ended, begun };
  });
  await Promise.all(running.map(({ begun }) => begun));
  return {
    stop: async () => {
      for (const { child } of running) child.kill('SIGTERM');
      await Promise.all(running.map(({ ended }) => ended));
    },
    moveTo: async (to) => {
      for (const file of await readdir(folder)) await move(join(folder, file), join(to, file));
      await rm(folder, { recursive: true });
    },
    drop: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The folder for temporary files may be another file system. */
async function move(from: string, to: string): Promise<void> {
  await rename(from, to).catch(async (e: NodeJS.ErrnoException) => {
    if (e.code !== 'EXDEV') throw e;
    await copyFile(from, to);
  });
}

/** Old evidence goes: only the newest folders are kept. */
async function forgetOld(): Promise<void> {
  const byAge = (await readdir(root)).sort((a, b) => timeOf(b).localeCompare(timeOf(a)));
  for (const old of byAge.slice(keptFolders)) await rm(join(root, old), { recursive: true, force: true });
}

function timeOf(folder: string): string {
  return /\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(folder)?.[0] ?? '';
}
