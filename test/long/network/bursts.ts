import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { kubeconfigOf } from '#lab/cli/office.ts';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { readSettings } from '#lab/server/settings.ts';
import { minutes, ms, now, seconds, waitFor } from '#unit/clock.ts';
import { probe } from '../../lab/lab-tools.ts';
import { formatCpuSince, observeCpu } from '../../support/cpu-by-program.ts';
import { succeeds } from '../../support/isthmus.ts';
import { type PodTimes, timesOf, type Watched, watchedForm } from './burst-times.ts';

type Kubectl = (args: readonly string[]) => Promise<string>;

interface PodSeen {
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

interface Watch {
  readonly lines: readonly Watched[];
  /** How many pods have been ready so far. */
  ready(): number;
  end(): void;
}

export interface Burst {
  readonly times: ReadonlyMap<string, PodTimes>;
  /** Who computed meanwhile, for people. */
  readonly cpu: string;
}

/** Bursts of pods on the cloud nodes of a lab's cluster, and what becomes of their addresses. */
export class Bursts {
  readonly #lab: string;
  readonly #kubectl: Kubectl;

  constructor(lab: string, kubectl: Kubectl) {
    this.#lab = lab;
    this.#kubectl = kubectl;
  }

  /** Free addresses that each cloud node keeps from now on. */
  async setBand(low: number, high: number): Promise<void> {
    const office = ['lab', 'exec', '--name', this.#lab, 'office', '--'];
    const edit = `s/low: [0-9]+/low: ${low}/; s/high: [0-9]+/high: ${high}/`;
    await succeeds([...office, 'sed', '-i', '-E', edit, 'cluster.yaml'], { within: seconds(20) });
    await succeeds([...office, 'isthmus', 'up', '--yes'], { within: minutes(2) });
    await waitFor(
      `between ${low} and ${high} free addresses on each worker`,
      async () => {
        const free = await this.#free();
        if (free.length === 2 && free.every((count) => count >= low && count <= high)) return true;
        throw new Error(`free: ${free.join(', ')}`);
      },
      { within: minutes(4), every: seconds(1) },
    );
  }

  async #free(): Promise<readonly number[]> {
    const ranges = JSON.parse(await this.#kubectl(['get', 'podranges', 'web-1', 'web-2', '-o', 'json'])) as {
      items: readonly { status?: { free?: number }; spec: { addresses?: readonly { state: string }[] } }[];
    };
    return ranges.items.map(({ status, spec }) =>
      (spec.addresses ?? []).every(({ state }) => state === 'usable') ? (status?.free ?? -1) : -1,
    );
  }

  /**
   * @param on a node selector
   * @param network host: pods that need no address, which is what kubelet and containerd take by themselves
   */
  async run(replicas: number, on: Readonly<Record<string, string>>, network: 'pod' | 'host' = 'pod'): Promise<Burst> {
    const began = now();
    const watch = await this.#watch();
    try {
      const before = observeCpu();
      await this.#apply(replicas, on, network);
      // By one watch: a command of ours for each look would take a good part of the computer from what is measured.
      await waitFor(`${replicas} pods to be ready`, async () => watch.ready() >= replicas || undefined, {
        within: minutes(3),
        every: ms(100),
      });
      const cpu = formatCpuSince(before);
      await this.ready(replicas);
      const machines = (await this.#kubectl(['get', 'nodes', '-o', 'jsonpath={.items[*].spec.providerID}'])).split(' ');
      const { ok } = await probe(this.#lab);
      const look = `journalctl --unit containerd --output cat --no-pager --since @${Math.floor(began / 1000)}
grep -hs '"verb":"ADD"' /var/log/pods/isthmus-system_isthmus-agent-*/agent/*.log || true`;
      const nodes = machines.map((id) => ok(id.trim().split('/').at(-1) ?? '', look));
      return { times: timesOf(watch.lines, await Promise.all(nodes)), cpu };
    } finally {
      watch.end();
    }
  }

  async #watch(): Promise<Watch> {
    const { bundle } = await readSettings(this.#lab);
    const args = ['get', 'pods', '-l', 'app=burst', '--watch', '-o', `jsonpath=${watchedForm}`];
    const [program = '', ...rest] = enterNetwork(markOf(this.#lab, 'office'), [
      join(bundle.folder, 'bin/kubectl'),
      ...args,
    ]);
    const env = { ...process.env, KUBECONFIG: kubeconfigOf(this.#lab, undefined) };
    const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env });
    const lines: Watched[] = [];
    createInterface({ input: child.stdout }).on('line', (line) => lines.push({ at: now(), line }));
    const isReady = ({ line }: Watched): boolean => line.endsWith('|True');
    return {
      lines,
      ready: () => new Set(lines.filter(isReady).map(({ line }) => line.split('|')[0])).size,
      end: () => child.kill(),
    };
  }

  async scale(replicas: number): Promise<void> {
    await this.#kubectl(['scale', 'deployment/burst', `--replicas=${replicas}`]);
  }

  async end(): Promise<void> {
    await this.#kubectl(['delete', 'deployment', 'burst', '--ignore-not-found']);
    await waitFor('the pods of the burst to go', async () => (await this.#pods()).length === 0, {
      within: minutes(2),
      every: seconds(1),
    });
  }

  /** The pods of the burst, once so many are ready and no others are left. */
  async ready(count: number): Promise<readonly PodSeen[]> {
    return waitFor(
      `${count} pods to be ready`,
      async () => {
        const pods = await this.#pods();
        const ready = pods.filter(({ status }) =>
          status.conditions?.some(({ type, status: value }) => type === 'Ready' && value === 'True'),
        );
        if (pods.length === count && ready.length === count) return pods;
        throw new Error(`${ready.length} of ${pods.length} are ready`);
      },
      { within: minutes(3), every: seconds(1) },
    );
  }

  async #pods(): Promise<readonly PodSeen[]> {
    return (JSON.parse(await this.#kubectl(['get', 'pods', '-l', 'app=burst', '-o', 'json'])) as { items: PodSeen[] })
      .items;
  }

  /** Ends the controllers' processes as the kernel would when memory is short. */
  async killController(uhostOf: (node: string) => Promise<string>): Promise<void> {
    const selector = ['-l', 'app.kubernetes.io/name=isthmus-controller', '-o', 'json'];
    const { items } = JSON.parse(await this.#kubectl(['-n', 'isthmus-system', 'get', 'pods', ...selector])) as {
      items: readonly {
        spec: { nodeName: string };
        status: { containerStatuses: readonly { containerID: string }[] };
      }[];
    };
    for (const { spec, status } of items) {
      const container = status.containerStatuses[0]?.containerID.replace('containerd://', '') ?? '';
      const kill = ['ctr', '--namespace', 'k8s.io', 'task', 'kill', '--signal', 'SIGKILL', container];
      const on = ['lab', 'exec', '--name', this.#lab, await uhostOf(spec.nodeName), '--'];
      await succeeds([...on, ...kill], { within: seconds(30) });
    }
  }

  /** What the controllers planned with addresses, the lives before the last one included. */
  async planned(
    doing: readonly string[],
  ): Promise<readonly { readonly do: string; readonly ips: readonly string[] }[]> {
    const selector = ['-l', 'app.kubernetes.io/name=isthmus-controller', '--tail=-1'];
    const logs = await Promise.all(
      [[], ['--previous']].map((which) =>
        this.#kubectl(['-n', 'isthmus-system', 'logs', ...selector, ...which]).catch(() => ''),
      ),
    );
    return logs
      .join('\n')
      .split('\n')
      .filter((line) => line.includes('planning pod range'))
      .map((line) => JSON.parse(line) as { do: string; ips: readonly string[] })
      .filter((step) => doing.includes(step.do));
  }

  async #apply(
    replicas: number,
    nodeSelector: Readonly<Record<string, string>>,
    network: 'pod' | 'host',
  ): Promise<void> {
    // It starts at once and does nothing: what is measured is the cluster, and no application.
    const container = { name: 'pause', image: 'registry.k8s.io/pause:3.10.2', imagePullPolicy: 'IfNotPresent' };
    const template = {
      metadata: { labels: { app: 'burst' } },
      spec: {
        nodeSelector,
        hostNetwork: network === 'host',
        terminationGracePeriodSeconds: 1,
        containers: [container],
      },
    };
    const spec = { replicas, selector: { matchLabels: { app: 'burst' } }, template };
    const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'burst' }, spec };
    const folder = await mkdtemp(join(tmpdir(), 'lab-burst-'));
    await writeFile(join(folder, 'burst.json'), JSON.stringify(object));
    await this.#kubectl(['apply', '-f', join(folder, 'burst.json')]);
    await rm(folder, { recursive: true });
  }
}
