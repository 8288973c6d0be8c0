import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordEvents } from '#kube/events.ts';
import type { KubeObject } from '#kube/kube.ts';
import { deployments, namespaces, nodes, type PodObject, pods } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { runEvictionController } from '#node/cut/eviction-controller.ts';
import { minutes, seconds, sleep, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startBeside } from '../../support/control-plane.ts';
import { type PlayedKubelets, playKubelets } from '../../support/played-kubelets.ts';

/**
 * A cut line as the control plane sees it: a real API server, scheduler and kube-controller-manager, whose nodes are played. Once with its own
 * eviction and once with ours. Short: a node is silent after 20 s instead of 50, and pods tolerate that for 15 s instead of 300. That is a
 * time of their own, so they say that they stay.
 */
const api = apiServerForTests();
let kubelets: PlayedKubelets;
let scheduler: Awaited<ReturnType<typeof startBeside>>;
const site = ['base-1', 'base-2'];

beforeAll(async () => {
  const all = [
    ...site.map((name) => ({ name, ground: 'site' as const })),
    ...['web-1', 'web-2'].map((name) => ({ name, ground: 'cloud' as const })),
  ];
  kubelets = await playKubelets(api.kube, all);
  scheduler = await startBeside(api.server, (await ensureBinaries()).bin('kube-scheduler'), []);
}, minutes(10));
afterAll(async () => {
  await kubelets.stop();
  await scheduler.stop();
});

/** What a cut of a minute did to the pods of the site. */
interface Outcome {
  readonly pods: number;
  readonly deleted: number;
  readonly made: number;
  /** Of those of before, that are there a while after the line is back. */
  readonly left: number;
}

async function cutLine(namespace: string, manager: 'upstream' | 'ours'): Promise<Outcome> {
  const { kube } = api;
  const end = new AbortController();
  const told = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  const controllers = ['deployment-controller', 'replicaset-controller', 'node-lifecycle-controller'];
  const own = manager === 'upstream' ? [...controllers, 'taint-eviction-controller'] : controllers;
  const beside = await startBeside(api.server, (await ensureBinaries()).bin('kube-controller-manager'), [
    `--controllers=${own.join(',')}`,
    '--node-monitor-period=1s',
    '--node-monitor-grace-period=20s',
  ]);
  const caches = sharedCaches(kube, end.signal);
  const work =
    manager === 'ours'
      ? runEvictionController({ kube, caches, events: told, note: () => undefined }, end.signal)
      : undefined;
  try {
    await kube.create(namespaces, { metadata: { name: namespace, annotations: { 'isthmus.dev/when-cut': 'stay' } } });
    await kube.create(deployments, deployment(namespace));
    const list = (): Promise<readonly PodObject[]> => kube.list(pods, { namespace });
    const before = await waitFor('six pods to run', async () => allReady(await list()), { within: minutes(2) });
    const home = before.filter(({ spec }) => site.includes(spec?.nodeName ?? ''));
    expect(home.length).toBeGreaterThan(1);
    kubelets.cutOff(site);
    await sleep(seconds(60));
    const during = await list();
    const isThere = (pod: PodObject, now: readonly PodObject[]): boolean =>
      now.some(({ metadata }) => metadata.uid === pod.metadata.uid && metadata.deletionTimestamp === undefined);
    const silent = (await kube.list(nodes)).filter(({ spec }) =>
      spec?.taints?.some(({ effect }) => effect === 'NoExecute'),
    );
    expect(silent.map(({ metadata }) => metadata.name)).toEqual(site);
    await kubelets.heal();
    await sleep(seconds(10));
    const after = await list();
    return {
      pods: home.length,
      deleted: home.filter((pod) => !isThere(pod, during)).length,
      made: during.filter((pod) => !before.some(({ metadata }) => metadata.uid === pod.metadata.uid)).length,
      left: home.filter((pod) => isThere(pod, after)).length,
    };
  } finally {
    await kubelets.heal();
    end.abort(new Error('the scenario has ended'));
    await work;
    await beside.stop();
  }
}

function allReady(seen: readonly PodObject[]): readonly PodObject[] | false {
  const isReady = (pod: PodObject): boolean =>
    pod.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return seen.length === 6 && seen.every(isReady) && seen;
}

function deployment(namespace: string): KubeObject {
  const labels = { app: 'shop' };
  const key = 'topology.kubernetes.io/zone';
  return {
    metadata: { name: 'shop', namespace },
    spec: {
      replicas: 6,
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          automountServiceAccountToken: false,
          tolerations: [
            { key: 'node.kubernetes.io/unreachable', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 15 },
          ],
          topologySpreadConstraints: [
            {
              maxSkew: 1,
              topologyKey: key,
              whenUnsatisfiable: 'ScheduleAnyway',
              labelSelector: { matchLabels: labels },
            },
          ],
          containers: [{ name: 'main', image: 'none' }],
        },
      },
    },
  } as KubeObject;
}

test(
  'in a cut Kubernetes deletes the pods of the site and makes others in the cloud, and Isthmus does neither',
  async () => {
    const upstream = await cutLine('upstream', 'upstream');
    const ours = await cutLine('ours', 'ours');
    for (const [who, { pods, deleted, made, left }] of [
      ["Kubernetes' own eviction", upstream],
      ['Isthmus', ours],
    ] as const)
      console.log(
        `${who}: ${pods} pods on the site; deleted during the cut ${deleted}, made in the cloud ${made}, left after it ${left}`,
      );
    expect(upstream).toMatchObject({ deleted: upstream.pods, made: upstream.pods, left: 0 });
    expect(ours).toMatchObject({ deleted: 0, made: 0, left: ours.pods });
  },
  minutes(8),
);
