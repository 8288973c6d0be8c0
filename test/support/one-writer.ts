import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { kubeconfigsOf } from '#lab/cli/office.ts';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { type LabClient, openLab } from '#lab/server/client.ts';
import { readSettings } from '#lab/server/settings.ts';
import { formatMs, type Ms, minutes, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { type Probe, probe } from '../lab/lab-tools.ts';
import { judgeWriters, parseNotes, parseVolume } from './judge-writers.ts';
import { claimOf } from './volume-pods.ts';

const run = promisify(execFile);

/** What may happen to the machine that has the volume, and to what decides about it. */
const happenings = [
  'move',
  'delete-at-once',
  'power-off-until-it-moves',
  'power-off-for-a-while',
  'reboot',
  'cut-off-for-a-while',
  'cut-off-until-healed',
  'cut-the-line',
  'restart-kubelet',
  'restart-our-controllers',
  'restart-csi-node',
  'restart-controller-manager',
] as const;
export type Happening = (typeof happenings)[number];

export interface Schedule {
  readonly events: readonly { readonly what: Happening; readonly pause: Ms }[];
}

/** @unit count: of schedules, the same ones for one seed */
export function schedulesOf(seed: number, count: number): readonly Schedule[] {
  const event = fc.record({ what: fc.constantFrom(...happenings), pause: fc.integer({ min: 0, max: 5000 }).map(ms) });
  const schedule = fc.record({ events: fc.array(event, { minLength: 1, maxLength: 4 }) });
  return fc.sample(schedule, { seed, numRuns: count });
}

/** What schedules came to. */
export interface Told {
  readonly writes: number;
  /** Starts of the pod on a machine. */
  readonly starts: number;
  /** Numbers of schedules with the machine off until the pod had moved. */
  readonly fenced: number;
  readonly faults: readonly string[];
}

const workers = ['web-1', 'web-2'] as const;
const pod = 'counter-0';
const folder = '/var/lib/notes';
/** For a shell of a node: the address by which its kubelet reaches the API server. */
const apiServer = "$(sed -n 's,.*server: https://\\(.*\\):6443,\\1,p' /etc/kubernetes/kubelet.conf)";

/**
 * One pod that counts on a disk of the cloud, each number written and synced before it is noted on the machine that it runs on.
 */
export class OneWriter {
  readonly #at: Probe;
  readonly #lab: LabClient;
  readonly #kubectl: (...args: readonly string[]) => Promise<string>;
  readonly #faults: string[] = [];
  #fenced = 0;

  private constructor(at: Probe, lab: LabClient, kubectl: (...args: readonly string[]) => Promise<string>) {
    this.#at = at;
    this.#lab = lab;
    this.#kubectl = kubectl;
  }

  /** In a lab whose cluster has disks of the cloud. Kubernetes hears sooner there that a node is silent: 10 s instead of 50. */
  static async begin(name: string): Promise<OneWriter> {
    const at = await probe(name);
    const one = new OneWriter(at, await openLab(name), await kubectlOf(name));
    for (const worker of workers)
      await at.ok(
        worker,
        "sed -i '/nodeLeaseDurationSeconds/d' /var/lib/kubelet/config.yaml; echo 'nodeLeaseDurationSeconds: 8' >> /var/lib/kubelet/config.yaml; systemctl restart kubelet",
      );
    const sooner = '    - --node-monitor-grace-period=10s\\n    - --node-monitor-period=1s';
    const manifest = '/etc/kubernetes/manifests/kube-controller-manager.yaml';
    await at.ok(
      'cp-1',
      `sed 's/^    - kube-controller-manager$/&\\n${sooner}/' ${manifest} > /root/m && cp /root/m ${manifest}`,
    );
    await one.#apply(claimOf('counter', 'cloud-disk', '10Gi'), statefulSet);
    await one.#untilItWrites('at first');
    return one;
  }

  /** Everything that was healed by then is judged. @fails WaitedTooLong when the pod does not come to write again */
  async live({ events }: Schedule, title: string): Promise<void> {
    const began = performance.now();
    const watching = new AbortController();
    const watch = this.#watchAttachments(title, watching.signal);
    try {
      for (const { what, pause } of events) {
        await this.#happen(what);
        await sleep(pause);
      }
      await this.#heal();
      await this.#untilItWrites(title);
    } finally {
      watching.abort(new Error('the schedule is over'));
      await watch;
    }
    console.log(`${title}: ${formatMs(ms(performance.now() - began))}`);
    for (const fault of (await this.told()).faults.slice(0, 5)) throw new Error(`${title}: ${fault}`);
  }

  async told(): Promise<Told> {
    // The pod writes meanwhile: what is noted now is on the volume that is read afterwards.
    const texts = await Promise.all(
      workers.map((one) => this.#at.ok(one, `cat ${folder}/*.notes 2>/dev/null || true`)),
    );
    const notes = parseNotes(texts.join('\n'));
    const volume = parseVolume(await this.#kubectl('exec', pod, '--', 'cat', '/data/log'));
    const starts = await Promise.all(
      workers.map((one) => this.#at.ok(one, `cat ${folder}/*.starts 2>/dev/null | wc -l`)),
    );
    return {
      writes: notes.length,
      starts: starts.reduce((sum, text) => sum + Number(text), 0),
      fenced: this.#fenced,
      faults: [...this.#faults, ...judgeWriters(volume, notes)],
    };
  }

  async #happen(what: Happening): Promise<void> {
    const home = await this.#home();
    switch (what) {
      case 'move':
      case 'delete-at-once':
        if (home !== undefined) await this.#kubectl('cordon', home);
        await this.#delete(...(what === 'move' ? [] : ['--force', '--grace-period=0']));
        return;
      case 'power-off-until-it-moves':
        if (home !== undefined) await this.#dieAndMove(home);
        return;
      case 'power-off-for-a-while':
        if (home === undefined || !(await this.#isOn(home))) return;
        await this.#power(home, 'off');
        await sleep(seconds(5));
        await this.#power(home, 'start');
        return;
      case 'reboot':
        if (home !== undefined && (await this.#isOn(home))) await this.#power(home, 'reboot');
        return;
      case 'cut-off-for-a-while':
        if (home === undefined) return;
        await this.#cut(home);
        await sleep(seconds(15));
        await this.#mend(home);
        return;
      case 'cut-off-until-healed':
        if (home !== undefined) await this.#cut(home);
        return;
      case 'cut-the-line':
        await this.#lab.changeLine({ cut: true });
        return;
      case 'restart-kubelet':
        if (home !== undefined) await this.#at.run(home, 'systemctl restart kubelet').catch(() => undefined);
        return;
      case 'restart-our-controllers':
        await this.#restart('app.kubernetes.io/name in (isthmus-controller,isthmus-csi-controller)');
        return;
      case 'restart-csi-node':
        await this.#restart('app.kubernetes.io/name=isthmus-csi-node');
        return;
      case 'restart-controller-manager':
        await this.#at.ok('cp-1', 'kill -9 $(pidof kube-controller-manager) || true');
    }
  }

  /** Only the word of the cloud that the machine is off lets the disk go to the other one. */
  async #dieAndMove(home: string): Promise<void> {
    const other = workers.find((one) => one !== home) ?? '';
    if (!(await this.#isOn(other)) || !(await this.#isOn(home))) return;
    await this.#mend(other);
    await this.#kubectl('uncordon', other);
    await this.#power(home, 'off');
    await waitFor(
      `the pod to run on ${other}, because ${home} is off`,
      async () => (await this.#home()) === other && (await this.#isReady()),
      { within: minutes(4), every: seconds(1) },
    );
    this.#fenced++;
  }

  async #heal(): Promise<void> {
    await this.#lab.changeLine({ cut: false });
    for (const one of workers) {
      if (await this.#isOn(one)) await this.#mend(one);
      else await this.#power(one, 'start');
      await this.#kubectl('uncordon', one);
    }
  }

  /** Both nodes are ready, and the pod writes numbers that it had not written before. */
  async #untilItWrites(when: string): Promise<void> {
    let before: number | undefined;
    await waitFor(
      `the pod to write ${when}`,
      async () => {
        const ready = await this.#kubectl(
          'get',
          'nodes',
          ...workers,
          '-o',
          'jsonpath={.items[*].status.conditions[?(@.type=="Ready")].status}',
        );
        if (ready !== 'True True') throw new Error(`nodes are ready: ${ready}`);
        if (!(await this.#isReady())) throw new Error(await this.#kubectl('get', 'pod', pod, '-o', 'wide'));
        const lines = Number(await this.#kubectl('exec', pod, '--', 'sh', '-c', 'wc -l < /data/log'));
        before ??= lines;
        return lines > before;
      },
      { within: minutes(5), every: seconds(1) },
    );
  }

  async #home(): Promise<string | undefined> {
    const name = await this.#kubectl('get', 'pod', pod, '--ignore-not-found', '-o', 'jsonpath={.spec.nodeName}');
    return name === '' ? undefined : name;
  }

  async #isReady(): Promise<boolean> {
    const shown = ['-o', 'jsonpath={.metadata.deletionTimestamp}{.status.conditions[?(@.type=="Ready")].status}'];
    return (await this.#kubectl('get', 'pod', pod, '--ignore-not-found', ...shown)) === 'True';
  }

  async #isOn(machine: string): Promise<boolean> {
    return (await this.#lab.status()).machines.some(({ name, power }) => name === machine && power === 'on');
  }

  /** The lab knows a machine of its cloud by the cloud's id. */
  async #power(machine: string, action: 'off' | 'start' | 'reboot'): Promise<void> {
    const { machines } = await this.#lab.status();
    const found = machines.find(({ name }) => name === machine);
    if (found === undefined) throw new Error(`the lab has no machine ${machine}`);
    await this.#lab.power(found.key, action);
  }

  /** The machine hears nothing more of the control plane, and the control plane nothing of it. */
  async #cut(machine: string): Promise<void> {
    await this.#at.run(machine, `ip route replace blackhole ${apiServer}`).catch(() => undefined);
  }

  async #mend(machine: string): Promise<void> {
    await this.#at.run(machine, `ip route del blackhole ${apiServer}`).catch(() => undefined);
  }

  async #delete(...how: readonly string[]): Promise<void> {
    await this.#kubectl('delete', 'pod', pod, '--ignore-not-found', '--wait=false', ...how);
  }

  async #restart(labels: string): Promise<void> {
    await this.#kubectl('-n', 'isthmus-system', 'delete', 'pods', '-l', labels, '--wait=false', '--grace-period=1');
  }

  /** The cloud's own books, several times a second. */
  async #watchAttachments(title: string, end: AbortSignal): Promise<void> {
    while (!end.aborted) {
      const { udisks } = await this.#lab.cloud.objects();
      for (const { id, attachments } of udisks)
        if (attachments.length > 1) this.#faults.push(`${title}: ${id} is attached to ${attachments.length} machines`);
      await sleep(ms(300), end).catch(() => undefined);
    }
  }

  async #apply(...items: readonly object[]): Promise<void> {
    const place = await mkdtemp(join(tmpdir(), 'one-writer-'));
    const file = join(place, 'objects.json');
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    await this.#kubectl('apply', '-f', file);
    await rm(place, { recursive: true });
  }
}

/** Not by `isthmus lab kubectl`: a new process of ours for each of a thousand commands is most of the time that they take. */
async function kubectlOf(lab: string): Promise<(...args: readonly string[]) => Promise<string>> {
  const { bundle } = await readSettings(lab);
  const [program = '', ...enter] = enterNetwork(markOf(lab, 'office'), [join(bundle.folder, 'bin/kubectl')]);
  const KUBECONFIG = kubeconfigsOf(lab)[0]?.path ?? '';
  return async (...args) => {
    const options = { env: { ...process.env, KUBECONFIG }, timeout: minutes(1), maxBuffer: 2 ** 28 };
    return (await run(program, [...enter, ...args], options)).stdout.trim();
  };
}

/** A number is noted when it is on the disk; where it can't be brought there, the container ends. */
const script = `
last=$(tail -n 1 /data/log 2>/dev/null)
n=\${last%% *}
n=\${n:-0}
cut -d' ' -f1 /proc/uptime >> /notes/$POD.starts
while :; do
  n=$((n + 1))
  echo "$n $POD" >> /data/log && sync /data/log || exit 1
  read -r at idle < /proc/uptime
  echo "$n $POD $at" >> /notes/$POD.notes
  sleep 0.05
done
`;

const statefulSet = {
  apiVersion: 'apps/v1',
  kind: 'StatefulSet',
  metadata: { name: 'counter' },
  spec: {
    replicas: 1,
    serviceName: 'counter',
    selector: { matchLabels: { app: 'counter' } },
    template: {
      metadata: { labels: { app: 'counter' } },
      spec: {
        terminationGracePeriodSeconds: 1,
        containers: [
          {
            name: 'counter',
            image: 'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
            command: ['sh', '-c', script],
            env: [{ name: 'POD', valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } } }],
            volumeMounts: [
              { name: 'data', mountPath: '/data' },
              { name: 'notes', mountPath: '/notes' },
            ],
          },
        ],
        volumes: [
          { name: 'data', persistentVolumeClaim: { claimName: 'counter' } },
          { name: 'notes', hostPath: { path: folder, type: 'DirectoryOrCreate' } },
        ],
      },
    },
  },
};
