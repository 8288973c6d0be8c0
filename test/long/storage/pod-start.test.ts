import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { kubeconfigOf } from '#lab/cli/office.ts';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { readSettings } from '#lab/server/settings.ts';
import { formatMs, minutes, ms, now } from '#unit/clock.ts';
import { type Probe, probe } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { giveRoom } from '../../support/give-room.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { claimOf, withVolumePods } from '../../support/volume-pods.ts';

/** Where the time goes from a pod with a new disk of the cloud to its container, in a cloud that takes as long as the real one. */
const name = 'podstart';
keepEvidence(name);

let at: Probe;
beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--speed', '1'], { within: minutes(8) });
  at = await probe(name);
  await giveRoom(name, { home: 'base-1', folder: '/srv/volumes' });
  const up = ['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'];
  await succeeds(up, { within: minutes(12) });
}, minutes(24));
afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(2) });

const moments = ['created', 'bound', 'placed', 'attaching', 'attached', 'staged', 'running'] as const;
type Moment = (typeof moments)[number];
type Times = Partial<Record<Moment, number>>;
const stages: Readonly<Record<Exclude<Moment, 'created'>, string>> = {
  bound: 'pod created to claim bound: the scheduler chooses, the disk is made',
  placed: 'claim bound to pod bound to its node',
  attaching: 'pod bound to attachment asked for',
  attached: 'attachment asked for to attached',
  staged: 'attached to file system made and mounted on the node',
  running: 'mounted to container running',
};

test(
  'ten pods with a new disk each start, and every stage on their way is seen',
  async () => {
    const seen = await watchAll();
    const names = Array.from({ length: 10 }, (_, n) => `pod-${n}`);
    try {
      await withVolumePods(kubectl, async (pods) => {
        for (const pod of names) {
          await pods.apply(claimOf(`claim-of-${pod}`, 'cloud-disk', '10Gi'));
          await pods.start(pod, `claim-of-${pod}`);
        }
        const journals = await Promise.all(['web-1', 'web-2'].map(stagedIn));
        const times = names.map((pod) => seen.timesOf(pod, new Map(journals.flat())));
        console.log(formatStages(times));
        for (const one of times) expect(moments.filter((moment) => one[moment] === undefined)).toEqual([]);
        for (const pod of names) await pods.remove('pod', pod);
        for (const pod of names) await pods.remove('pvc', `claim-of-${pod}`);
      });
    } finally {
      seen.end();
    }
  },
  minutes(15),
);

interface Seen {
  /** @unit staged: when, by the name of the volume */
  timesOf(pod: string, staged: ReadonlyMap<string, number>): Times;
  end(): void;
}

async function watchAll(): Promise<Seen> {
  const first = new Map<string, number>();
  const volumeOf = new Map<string, string>();
  const once = (key: string, when: number): void => void (first.has(key) || first.set(key, when));
  const watches = await Promise.all([
    watch('pods', '{.metadata.name}|{.spec.nodeName}|{.status.phase}', ([pod, node, phase], when) => {
      once(`created ${pod}`, when);
      if (node !== '') once(`placed ${pod}`, when);
      if (phase === 'Running') once(`running ${pod}`, when);
    }),
    watch('pvc', '{.metadata.name}|{.spec.volumeName}|{.status.phase}', ([claim = '', volume = '', phase], when) => {
      volumeOf.set(claim, volume);
      if (phase === 'Bound') once(`bound ${claim}`, when);
    }),
    watch(
      'volumeattachments',
      '{.spec.source.persistentVolumeName}|{.status.attached}',
      ([volume, isAttached], when) => {
        once(`attaching ${volume}`, when);
        if (isAttached === 'true') once(`attached ${volume}`, when);
      },
    ),
  ]);
  return {
    timesOf(pod, staged) {
      const volume = volumeOf.get(`claim-of-${pod}`) ?? '';
      const at = (moment: Moment, of: string): Times => {
        const when = first.get(`${moment} ${of}`);
        return when === undefined ? {} : { [moment]: when };
      };
      const when = staged.get(volume);
      return {
        ...at('created', pod),
        ...at('bound', `claim-of-${pod}`),
        ...at('placed', pod),
        ...at('attaching', volume),
        ...at('attached', volume),
        ...(when !== undefined && { staged: when }),
        ...at('running', pod),
      };
    },
    end: () => {
      for (const end of watches) end();
    },
  };
}

async function watch(
  what: string,
  form: string,
  hear: (fields: readonly string[], when: number) => void,
): Promise<() => void> {
  const { bundle } = await readSettings(name);
  const args = ['get', what, '--watch', '-o', `jsonpath=${form}{"\\n"}`];
  const [program = '', ...rest] = enterNetwork(markOf(name, 'office'), [join(bundle.folder, 'bin/kubectl'), ...args]);
  const env = { ...process.env, KUBECONFIG: kubeconfigOf(name, undefined) };
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'inherit'], env });
  createInterface({ input: child.stdout }).on('line', (line) => hear(line.split('|'), now()));
  return () => void child.kill();
}

/** When kubelet had each volume on the node, by the name of the volume. */
async function stagedIn(node: string): Promise<readonly (readonly [string, number])[]> {
  const journal = await at.ok(
    node,
    'journalctl --unit kubelet --output short-unix --no-pager | grep MountDevice.succeeded || true',
  );
  return [
    ...journal.matchAll(/^(\d+\.\d+) .*MountVolume\.MountDevice succeeded for volume \\?"(pvc-[0-9a-f-]+)/gm),
  ].map(([, when, volume = '']) => [volume, Number(when) * 1000]);
}

function formatStages(times: readonly Times[]): string {
  const spans = (from: Moment, to: Moment): readonly number[] =>
    times.map((one) => (one[to] ?? Number.NaN) - (one[from] ?? Number.NaN)).toSorted((a, b) => a - b);
  const line = (says: string, took: readonly number[]): string => {
    const [median = Number.NaN, most = Number.NaN] = [took[Math.floor(took.length / 2)], took.at(-1)];
    return `  ${says.padEnd(70)} median ${formatMs(ms(median)).padStart(7)}  most ${formatMs(ms(most)).padStart(7)}`;
  };
  return [
    ...moments
      .slice(1)
      .map((moment, i) => line(stages[moment as keyof typeof stages], spans(moments[i] ?? 'created', moment))),
    line('pod created to container running', spans('created', 'running')),
  ].join('\n');
}
