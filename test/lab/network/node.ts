import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { seconds, waitFor } from '#unit/clock.ts';

const run = promisify(execFile);

export interface CniAnswer {
  readonly code: number;
  readonly stdout: string;
  readonly json: Record<string, unknown> | undefined;
}

/** The address that an ADD gave. @fails Error with the whole answer when it gave none */
export function addressIn(answer: CniAnswer): string {
  const [first] = (answer.json?.['ips'] ?? []) as { address: string }[];
  if (answer.code !== 0 || first === undefined) throw new Error(`no address in ${answer.stdout}`);
  return first.address.replace('/32', '');
}

export interface NodePlace {
  readonly namespace: string;
  readonly address: string;
}

/**
 * A node made of network namespaces: one for the node, one for a machine beyond its uplink, one for each pod. The plugin is
 * compiled for this node's folder; the agent runs inside the node's namespace as a process of its own.
 */
export class TestNode {
  readonly folder: string;
  readonly #prefix: string;
  readonly #pods = new Set<string>();
  #daemon: ChildProcess | undefined;
  #output = '';

  readonly #place: NodePlace | undefined;

  private constructor(folder: string, prefix: string, place: NodePlace | undefined) {
    this.folder = folder;
    this.#prefix = prefix;
    this.#place = place;
  }

  /** @unit place: a namespace that is there already and connected, in place of one of its own with a machine beyond its uplink */
  static async create(place?: NodePlace): Promise<TestNode> {
    const folder = await mkdtemp(join(tmpdir(), 'isttest-'));
    const node = new TestNode(folder, `isttest-${folder.slice(-6).toLowerCase()}`, place);
    for (const sub of ['state', 'bin', 'net.d']) await mkdir(join(folder, sub));
    await compile('src/network/cni/isthmus-cni.c', join(folder, 'isthmus-cni'), [
      `-DAGENT_SOCKET="${folder}/cni.sock"`,
      `-DPENDING_DIR="${folder}/state/cni-pending"`,
    ]);
    await compile('test/lab/network/mesh.c', join(folder, 'mesh'), []);
    if (place === undefined) node.#connect();
    return node;
  }

  /** The machine beyond the uplink knows the way to the pods through the node, as a site's gateway does. */
  #connect(): void {
    for (const name of [this.node, this.outside]) ip('netns', 'add', name);
    ip(
      '-n',
      this.node,
      'link',
      'add',
      'up0',
      'mtu',
      '1454',
      'type',
      'veth',
      'peer',
      'name',
      'up0',
      'netns',
      this.outside,
    );
    for (const [name, address] of [
      [this.node, '192.168.50.13/24'],
      [this.outside, '192.168.50.1/24'],
    ] as const) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'link', 'set', 'up0', 'up');
      ip('-n', name, 'addr', 'add', address, 'dev', 'up0');
    }
    ip('-n', this.node, 'route', 'add', 'default', 'via', '192.168.50.1');
    ip('-n', this.outside, 'route', 'add', '172.16.3.0/24', 'via', '192.168.50.13');
    sh('nsenter', `--net=/run/netns/${this.node}`, 'sysctl', '-qw', 'net.ipv4.ip_forward=1');
  }

  get node(): string {
    return this.#place?.namespace ?? `${this.#prefix}-node`;
  }

  get outside(): string {
    return `${this.#prefix}-out`;
  }

  pod(name: string): string {
    return `${this.#prefix}-${name}`;
  }

  /** The range that the agent is to find as the one it saw last. */
  async setRange(spec: PodRangeSpec): Promise<void> {
    await writeFile(
      join(this.folder, 'state/pod-range.json'),
      JSON.stringify({ format: 'isthmus-pod-range/v1', range: { uid: 'u-1', generation: 1, spec } }),
    );
  }

  /** Returns when it serves. */
  async startAgent(cooldownMs: number, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const daemon = spawn('nsenter', this.#agentCommand(cooldownMs), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...(this.#place && { NODE_ADDRESS: this.#place.address }), ...env },
    });
    this.#daemon = daemon;
    this.#output = '';
    daemon.stdout.on('data', (part: Buffer) => (this.#output += part.toString()));
    daemon.stderr.on('data', (part: Buffer) => (this.#output += part.toString()));
    await waitFor(
      'the agent to serve',
      async () => {
        if (daemon.exitCode !== null) throw new Error(this.#output);
        return this.#output.includes('serving pods');
      },
      { within: seconds(60) },
    );
  }

  /** What the agent has said since its start. */
  get output(): string {
    return this.#output;
  }

  /** Sends the agent a signal and does not wait. */
  signalAgent(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#daemon?.kill(signal);
  }

  /** Runs a command in one of the namespaces. @fails Error with what it said */
  run(namespace: string, ...argv: readonly string[]): string {
    return sh('nsenter', `--net=/run/netns/${namespace}`, ...argv);
  }

  /** Starts another agent beside the first. @shape what it says before it ends */
  async startSecondAgent(): Promise<string> {
    const second = spawn('nsenter', this.#agentCommand(500), { stdio: ['ignore', 'pipe', 'pipe'], timeout: 20_000 });
    let output = '';
    second.stderr.on('data', (part: Buffer) => (output += part.toString()));
    await new Promise((resolve) => second.once('close', resolve));
    return output;
  }

  #agentCommand(cooldownMs: number): readonly string[] {
    const plugin = join(this.folder, 'isthmus-cni');
    const program = ['node_modules/.bin/node', 'test/lab/network/daemon.ts'];
    return [`--net=/run/netns/${this.node}`, ...program, this.folder, plugin, String(cooldownMs)];
  }

  async endAgent(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const daemon = this.#daemon;
    if (daemon === undefined || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const gone = new Promise((resolve) => daemon.once('exit', resolve));
    daemon.kill(signal);
    await gone;
  }

  addNamespace(name: string): void {
    ip('netns', 'add', this.pod(name));
    this.#pods.add(name);
  }

  removeNamespace(name: string): void {
    ip('netns', 'del', this.pod(name));
    this.#pods.delete(name);
  }

  /** Calls the plugin as containerd does. */
  async cni(command: string, name: string, config: object = {}, env: Record<string, string> = {}): Promise<CniAnswer> {
    const child = spawn(join(this.folder, 'isthmus-cni'), [], {
      env: {
        CNI_COMMAND: command,
        CNI_CONTAINERID: `container-${name}`,
        CNI_NETNS: `/var/run/netns/${this.pod(name)}`,
        CNI_IFNAME: 'eth0',
        CNI_ARGS: 'K8S_POD_NAME=a"b\\c',
        CNI_PATH: '/opt/cni/bin',
        ...env,
      },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    let stdout = '';
    child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stdin.end(JSON.stringify({ cniVersion: '1.0.0', name: 'isthmus', type: 'isthmus-cni', ...config }));
    const code = await new Promise<number>((resolve) => child.once('close', (c) => resolve(c ?? -1)));
    return { code, stdout, json: stdout.trim() === '' ? undefined : (JSON.parse(stdout) as Record<string, unknown>) };
  }

  /** @shape the namespace pairs that failed, and how many messages arrived with their sender's own address */
  async mesh(
    ...peers: readonly (readonly [string, string])[]
  ): Promise<{ readonly good: number; readonly bad: readonly string[] }> {
    const { stdout } = await run(
      join(this.folder, 'mesh'),
      peers.map((peer) => peer.join('=')),
      { timeout: 120_000 },
    );
    const lines = stdout.trim().split('\n');
    return { good: Number(lines.pop()), bad: lines };
  }

  /** Whether a message with a source address that is not the sender's arrives. */
  async lies(from: readonly [string, string], to: readonly [string, string], lie: string): Promise<boolean> {
    const { stdout } = await run(join(this.folder, 'mesh'), ['spoof', from.join('='), to.join('='), lie]);
    return stdout.trim() === '1';
  }

  /** Names of the pods' links that the node's kernel has. */
  links(): readonly string[] {
    return sh('ip', '-n', this.node, '-o', 'link')
      .split('\n')
      .flatMap((line) => /^\d+: (ist[^@:]*)/.exec(line)?.[1] ?? []);
  }

  /** The node's routes as iproute2 shows them. */
  routes(): string {
    return sh('ip', '-n', this.node, 'route');
  }

  async journal(): Promise<string> {
    return readFile(join(this.folder, 'state/addresses.journal'), 'utf8');
  }

  async close(): Promise<void> {
    await this.endAgent('SIGKILL');
    for (const name of this.#pods) this.removeNamespace(name);
    if (this.#place === undefined) for (const name of [this.node, this.outside]) ip('netns', 'del', name);
    await rm(this.folder, { recursive: true, force: true });
  }
}

async function compile(source: string, target: string, flags: readonly string[]): Promise<void> {
  await run('gcc', ['-Os', '-s', '-static', '-Wall', '-Wextra', '-Werror', ...flags, '-o', target, source]);
}

function ip(...args: readonly string[]): string {
  return sh('ip', ...args);
}

function sh(program: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${stderr}`);
  return stdout;
}
