import { spawn } from 'node:child_process';
import { createWriteStream, existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { formatMs, type Ms } from '#unit/clock.ts';
import { enterNetwork } from '../machine/enter.ts';
import { followOutput, type Progress } from './follow-output.ts';
import type { Limits } from './limits.ts';
import { readReport, type SpecResult } from './read-report.ts';
import type { Suite } from './suite.ts';

export interface SuiteRun {
  /** Network namespace to run in. */
  readonly network: string;
  readonly kubeconfig: string;
  /** Where report and full output are kept. */
  readonly folder: string;
  /** Regular expressions of Go's syntax on full names; a spec runs when any of them is found. */
  readonly focus: readonly string[];
  /** The same of those that are left out; they are told nowhere. */
  readonly skip: readonly string[];
  /** Only specs with the label `Disruptive`, one after the other, or only those without it. */
  readonly disruptive?: boolean;
  readonly limits: Limits;
  /** The private key with which root of every machine lets itself in: some specs stop and start kubelet. */
  readonly sshKey: string;
  /** File that tells upstream's storage tests of a driver. */
  readonly testDriver?: string;
  /** How many nodes take the pods of specs; some specs need several. */
  readonly nodes: number;
  readonly parallel: number;
  readonly within: Ms;
}

/**
 * Runs upstream's tests and gives how each spec ended.
 * @fails Error with the end of the output when the suite ended without a report, so that nothing is known
 */
export async function runSuite(
  suite: Suite,
  run: SuiteRun,
  tell: (progress: Progress) => void,
): Promise<readonly SpecResult[]> {
  await mkdir(run.folder, { recursive: true });
  const output = createWriteStream(join(run.folder, 'output.log'));
  const [program = '', ...args] = enterNetwork(run.network, [suite.ginkgo, ...ginkgoArguments(suite, run)]);
  const child = spawn(program, args, {
    cwd: run.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    // @source test/e2e/framework/ssh/ssh.go
    env: { ...process.env, KUBE_SSH_KEY_PATH: run.sshKey, KUBE_SSH_USER: 'root' },
  });
  const follow = followOutput(tell);
  child.stdout.setEncoding('utf8').on('data', follow);
  for (const stream of [child.stdout, child.stderr]) stream.pipe(output, { end: false });
  const code = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve(status ?? signal));
  });
  await finished(output.end());
  const report = join(run.folder, 'report.json');
  if (!existsSync(report)) {
    const end = (await readFile(join(run.folder, 'output.log'), 'utf8')).slice(-3000);
    throw new Error(`the conformance suite ended with ${code} and left no report:\n${end}`);
  }
  return readReport(await readFile(report, 'utf8'));
}

function ginkgoArguments({ tests }: Suite, run: SuiteRun): readonly string[] {
  return [
    ...run.focus.map((pattern) => `--focus=${pattern}`),
    ...run.skip.map((pattern) => `--skip=${pattern}`),
    ...[...run.limits.lab, ...run.limits.cloud].map(({ spec }) => `--skip=${patternOf(spec)}`),
    ...(run.disruptive === undefined ? [] : [`--label-filter=${run.disruptive ? '' : '!'}Disruptive`]),
    `--procs=${run.disruptive === true ? 1 : run.parallel}`,
    `--timeout=${Math.ceil(run.within / 1000)}s`,
    '--no-color',
    '-v',
    '--json-report=report.json',
    `--output-dir=${run.folder}`,
    tests,
    '--',
    '--provider=skeleton',
    `--kubeconfig=${run.kubeconfig}`,
    `--num-nodes=${run.nodes}`,
    ...(run.testDriver === undefined ? [] : [`--storage.testdriver=${run.testDriver}`]),
    // A node may be kept from the pods of specs for the time of the run.
    '--non-blocking-taints=node-role.kubernetes.io/control-plane,node.kubernetes.io/unschedulable',
  ];
}

/** Labels in brackets stand between the parts of a full name, and are no part of what a limit says. */
export function patternOf(spec: string): string {
  return spec
    .split(' ')
    .map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
    .join('( \\[[^\\]]*\\])* ');
}

/** ` 12/47  ok    4.2 s  [sig-network] DNS should …`; nothing for the start, which only tells the total. */
export function progressPrinter(print: (line: string) => void): (progress: Progress) => void {
  let [done, total] = [0, 0];
  return (progress) => {
    if (progress.at === 'start') {
      total = progress.specs;
      print(`${total} specs to run`);
      return;
    }
    done++;
    const place = `${done}/${total}`.padStart(2 * String(total).length + 1);
    print(`${place}  ${progress.passed ? 'ok  ' : 'FAIL'} ${progress.took.padStart(7)}  ${progress.name}`);
  };
}

/** `47 of 47 specs passed in 6 min 10 s`. */
export function explainRun(results: readonly SpecResult[], took: Ms): string {
  const run = results.filter(({ state }) => state !== 'left');
  const passed = run.filter(({ state }) => state === 'passed').length;
  return `${passed} of ${run.length} specs passed in ${formatMs(took)}`;
}
