import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { markOf } from '#lab/fabric/names.ts';
import { enterMachine, enterNetwork } from '#lab/machine/enter.ts';
import { observeMachines } from '#lab/server/machines.ts';
import { signatureOf } from '#lab/ucloud/gateway/signature.ts';

/** How a command ended, with what it said. */
export interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

export function startLabCommand(args: readonly string[]): ChildProcess {
  const main = `import { labCommand } from ${JSON.stringify(join(import.meta.dirname, '../../lab/cli/lab.ts'))};
try { await labCommand(new AbortController().signal).parseAsync(process.argv.slice(1), { from: 'user' }); }
catch (e) { console.error(e.message); process.exitCode = 1; }`;
  return spawn(process.execPath, ['--input-type=module-typescript', '-e', main, '--', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

export function said(child: ChildProcess): Promise<Said> {
  let [out, err] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (err += text));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, out: out.trim(), err: err.trim() }));
  });
}

/** `isthmus lab ARGS`, whatever comes of it. */
export function lab(...args: string[]): Promise<Said> {
  return said(startLabCommand(args));
}

/** `isthmus lab ARGS`. @fails Error unless it succeeds */
export async function labOk(...args: string[]): Promise<string> {
  const { code, out, err } = await lab(...args);
  if (code !== 0) throw new Error(`lab ${args.join(' ')} ended with ${code}: ${err || out}`);
  return out;
}

/** A lab to ask things of: commands run at a place, and calls of its cloud's API. */
export interface Probe {
  run(where: string, script: string): Promise<Said>;
  ok(this: void, where: string, script: string): Promise<string>;
  call(action: string, params: Readonly<Record<string, string | number>>): Promise<Record<string, unknown>>;
}

export async function probe(name: string): Promise<Probe> {
  const credentials = await readFile(`/var/lib/isthmus-lab/${name}/credentials`, 'utf8');
  const key = (which: string): string => new RegExp(`^UCLOUD_${which}=(.*)$`, 'm').exec(credentials)?.[1] ?? '';
  // Not by `lab exec`: a new process of ours for each of some hundred commands is most of the time that they take.
  const run = (where: string, script: string): Promise<Said> => {
    const machine = observeMachines(name).find((one) => one.key === where || one.name === where);
    const shell = ['sh', '-c', script];
    if (machine === undefined) return runIn(enterNetwork(markOf(name, where), shell));
    if (machine.init === undefined) throw new Error(`${where} is off`);
    return runIn(enterMachine(machine.init, shell, { term: 'dumb' }));
  };
  const ok = async (where: string, script: string): Promise<string> => {
    const { code, out, err } = await run(where, script);
    if (code !== 0) throw new Error(`in ${where}, "${script}" ended with ${code}: ${err || out}`);
    return out;
  };
  return {
    run,
    ok,
    call: async (action, params) => {
      const asked = { Action: action, ProjectId: 'org-lab', Region: 'cn-bj2', ...params, PublicKey: key('PUBLIC_KEY') };
      const signed = { ...asked, Signature: signatureOf(asked, key('PRIVATE_KEY')) };
      const form = Object.entries(signed).map(([k, v]) => `--data-urlencode '${k}=${v}'`);
      const answer = JSON.parse(await ok('office', `curl -sS ${form.join(' ')} http://100.80.80.81/`));
      if (Number(answer.RetCode) !== 0) throw new Error(`${action}: ${JSON.stringify(answer)}`);
      return answer;
    },
  };
}

function runIn([program = '', ...args]: readonly string[]): Promise<Said> {
  return said(spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
}

/** A bundle with one file of `size` bytes to measure with; nothing in it is ever run. */
export async function makeBundle(size: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lab-bundle-'));
  await mkdir(join(folder, 'bin'));
  await writeFile(join(folder, 'bin/zeros'), Buffer.alloc(size));
  const versions = { kubernetes: '1.36.3', etcd: '0', coredns: '0', cniPlugins: '0', isthmus: '0' };
  await writeFile(
    join(folder, 'bundle.json'),
    JSON.stringify({ format: 'isthmus-bundle/v1', versions, bin: [], cni: [], images: [] }),
  );
  return folder;
}

export async function removeBundle(folder: string): Promise<void> {
  await rm(folder, { recursive: true });
}

/**
 * Whatever on this computer carries the lab's name, found without any of the lab's own code: namespaces, control groups,
 * mounts, command lines, loop devices, folders.
 */
export function tracesOf(name: string): readonly string[] {
  const marked = (text: string): boolean => text.includes(`isl-${name}-`) || text.includes(`isthmus-lab/${name}`);
  const list = (folder: string): string[] =>
    existsSync(folder) ? readdirSync(folder).map((e) => join(folder, e)) : [];
  const commandOf = (folder: string): string => readIfThere(join(folder, 'cmdline')).replaceAll('\0', ' ');
  return [
    ...list('/run/netns'),
    ...list('/sys/fs/cgroup').flatMap((hierarchy) => [hierarchy, ...list(hierarchy)]),
    ...readFileSync('/proc/mounts', 'utf8').split('\n'),
    ...list('/proc').map((folder) => `process ${folder}: ${/\d$/.test(folder) ? commandOf(folder) : ''}`),
    ...list('/sys/block').map((block) => `loop ${readIfThere(join(block, 'loop/backing_file'))}`),
    ...list('/var/lib/isthmus-lab'),
    ...list('/run/isthmus-lab'),
  ].filter(marked);
}

/** The text of a file; empty when it, or the process that it tells of, is not there any more. */
export function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (e) {
    return emptyWhenGone(e);
  }
}

export function emptyWhenGone(e: unknown): '' {
  if (['ENOENT', 'ESRCH', 'ENOTDIR', 'EINVAL'].includes((e as NodeJS.ErrnoException).code ?? '')) return '';
  throw e;
}
