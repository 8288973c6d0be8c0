import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { succeeds } from '../../support/isthmus.ts';

type Kubectl = (args: readonly string[]) => Promise<string>;

interface PodSeen {
  readonly metadata: { readonly name: string; readonly creationTimestamp: string };
  readonly spec: { readonly nodeName?: string };
  readonly status: {
    readonly podIP?: string;
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly lastTransitionTime: string;
    }[];
  };
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
   * @shape seconds from a pod's creation until it was ready, sorted, in whole seconds
   */
  async run(
    replicas: number,
    on: Readonly<Record<string, string>>,
    network: 'pod' | 'host' = 'pod',
  ): Promise<readonly number[]> {
    await this.#apply(replicas, on, network);
    const pods = await this.ready(replicas);
    return pods
      .map(({ metadata, status }) => {
        const ready = status.conditions?.find(({ type }) => type === 'Ready')?.lastTransitionTime ?? '';
        return (Date.parse(ready) - Date.parse(metadata.creationTimestamp)) / 1000;
      })
      .sort((a, b) => a - b);
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
    const container = {
      name: 'pause',
      image: 'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
      imagePullPolicy: 'IfNotPresent',
      args: ['pause'],
    };
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
