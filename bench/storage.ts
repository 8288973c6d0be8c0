import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { IPodSpec } from 'kubernetes-models/v1';
import { exampleFacts } from '#capability/facts.example.ts';
import { connect } from '#kube/client.ts';
import { buildFamily, csi } from '#lab/toolchain/families.ts';
import { type Binaries, ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { controllerDeployment } from '#storage/csi/controller-deployment.ts';
import { formatMs, minutes, ms } from '#unit/clock.ts';
import { type ApiServer, startApiServer } from '../test/support/api-server.ts';
import { kubeconfigOf } from '../test/support/control-plane.ts';
import { type Running, start } from '../test/support/process.ts';
import { type Sim, startCloud } from './cloud.ts';
import type { DriverSetup } from './storage-driver.ts';
import { type StorageOutcome, storageTable, type Used } from './storage-table.ts';
import { longestPhase, makeStorageWorld, type PhaseName, phases } from './storage-world.ts';

export interface StorageSize {
  readonly volumes: number;
  /** With upstream's default flags, which take so much longer that fewer must do. */
  readonly peerVolumes: number;
}

const sidecars = ['csi-provisioner', 'csi-attacher'] as const;
type Sidecar = (typeof sidecars)[number];

interface Contender {
  readonly title: string;
  readonly volumes: number;
  readonly flags: Readonly<Record<Sidecar, readonly string[]>>;
}

/**
 * Volumes of the cloud's disks, made, attached, detached and deleted by upstream's provisioner and attacher with our driver: first with the flags
 * that they have by default, then with those that Isthmus starts them with, each between an API server of its own and a simulated cloud of its own that
 * takes as long as the real one. A disk that is elsewhere than Kubernetes says, or that is left at the end, ends the run: then there is nothing to compare.
 */
export async function benchStorage({ volumes, peerVolumes }: StorageSize): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-bench-'));
  try {
    const binaries = await ensureBinaries(note);
    const programs = await buildFamily(csi, note);
    const contenders: readonly Contender[] = [
      { title: "upstream's flags", volumes: peerVolumes, flags: { 'csi-provisioner': [], 'csi-attacher': [] } },
      { title: 'isthmus', volumes, flags: ourFlags() },
    ];
    const outcomes: StorageOutcome[] = [];
    for (const contender of contenders) outcomes.push(await measure(contender, { binaries, programs, folder }));
    console.log(`\n${storageTable(outcomes)}`);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** As the Deployment has them, without what only a pod can do. */
function ourFlags(): Contender['flags'] {
  const { spec } = controllerDeployment({ image: (part) => part, api: exampleFacts.api });
  const pod = spec?.template.spec as IPodSpec;
  const flagsOf = (name: Sidecar): readonly string[] =>
    (pod.containers.find((one) => one.name === name)?.args ?? []).filter(
      (flag) => !flag.startsWith('--csi-address') && !flag.startsWith('--leader-election'),
    );
  return { 'csi-provisioner': flagsOf('csi-provisioner'), 'csi-attacher': flagsOf('csi-attacher') };
}

interface Place {
  readonly binaries: Binaries;
  /** The folder of the sidecars. */
  readonly programs: string;
  readonly folder: string;
}

async function measure(contender: Contender, at: Place): Promise<StorageOutcome> {
  const { title, volumes } = contender;
  const sim = await startCloud({ speed: 1, seed: volumes });
  // Whether a claim or volume is in use is asked by programs that do not run here.
  const flags = ['--disable-admission-plugins=ServiceAccount,StorageObjectInUseProtection'];
  const server = await startApiServer({ ...at.binaries, flags, within: minutes(2) });
  // A computer that is busy with a thousand volumes may take its time for one request.
  const kube = connect(server.access, { within: minutes(2) });
  const end = new AbortController();
  try {
    note(`${title}: ${volumes} volumes; machines start`);
    const world = await makeStorageWorld(sim, kube, { volumes, within: longestPhase, stop: end.signal });
    const programs = await startPrograms(contender, at, sim, server);
    const seen: Partial<Record<PhaseName, StorageOutcome['phases'][PhaseName]>> = {};
    try {
      for (const phase of phases) {
        const before = sim.calls.length;
        const times = await world.go(phase);
        seen[phase] = { times, calls: sim.calls.slice(before) };
        note(`${title}: ${phase} ${formatMs(ms(times.took))}, ${((volumes * 1000) / times.took).toFixed(1)} volumes/s`);
        for (const { running } of programs) await running.assertAlive();
      }
      const remains = await world.remains();
      if (remains.length > 0) throw new Error(`${remains.length} things are left: ${remains.slice(0, 10).join(', ')}`);
      const used = await Promise.all(programs.map(usedBy));
      return { title, volumes, phases: seen as StorageOutcome['phases'], programs: used };
    } finally {
      for (const { running } of programs.toReversed()) await running.end('SIGTERM');
    }
  } finally {
    end.abort(new Error('the bench is over'));
    await kube.close();
    await sim.close();
    await server.stop();
  }
}

interface Program {
  readonly name: string;
  readonly running: Running;
}

async function startPrograms(
  { title, flags }: Contender,
  { programs, folder }: Place,
  sim: Sim,
  server: ApiServer,
): Promise<readonly Program[]> {
  const own = join(folder, title.replaceAll(/[^a-z]/g, '-'));
  const socket = `${own}.sock`;
  const setup: DriverSetup = { socket, url: sim.url, kube: server.access };
  await writeFile(`${own}.json`, JSON.stringify(setup), { mode: 0o600 });
  await writeFile(`${own}.kubeconfig`, kubeconfigOf(server, 'bench'), { mode: 0o600 });
  const run = (name: string, program: string, args: readonly string[]): Program => ({
    name,
    running: start(program, args, { cwd: folder, log: `${own}-${name}.log` }),
  });
  const driver = run('driver', process.execPath, [join(import.meta.dirname, 'storage-driver.ts'), `${own}.json`]);
  const common = [`--csi-address=${socket}`, `--kubeconfig=${own}.kubeconfig`];
  return [driver, ...sidecars.map((name) => run(name, join(programs, name), [...common, ...flags[name]]))];
}

/** @source Linux Documentation/filesystems/proc.rst: utime and stime in /proc/PID/stat, VmHWM in /proc/PID/status */
async function usedBy({ name, running }: Program): Promise<Used> {
  const of = (file: string): Promise<string> => readFile(`/proc/${running.child.pid}/${file}`, 'utf8');
  const stat = await of('stat');
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number);
  const peak = /VmHWM:\s+(\d+) kB/.exec(await of('status'))?.[1];
  return { program: name, cpu: (user + system) / ticks, peakKiB: Number(peak) };
}

/** Of Linux, for programs: sysconf(_SC_CLK_TCK), 100 on every architecture that we know. */
const ticks = 100;

function note(line: string): void {
  console.log(`     ${line}`);
}
