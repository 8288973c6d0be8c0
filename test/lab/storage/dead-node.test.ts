import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordEvents } from '#kube/events.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { leases, nodes, persistentVolumeClaims, persistentVolumes, pods } from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { runFenceController } from '#storage/fence/fence-controller.ts';
import { type Ms, ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { sharedCaches } from '../../../src/program/shared-caches.ts';
import { startBeside } from '../../support/control-plane.ts';
import { addCloudNode, mark, type RangesWorld, startRangesWorld } from '../network/ranges-world.ts';

/**
 * What the real kube-controller-manager does with the pod and the disk of a cloud node whose machine is switched off: it hears of it by a silent
 * kubelet, which is played here, as are the scheduler and the CSI driver. Its grace of 50 s for silent nodes is 4 s.
 */
let world: RangesWorld;
let manager: Awaited<ReturnType<typeof startBeside>>;
let machine: string;
const end = new AbortController();
const attachments = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'volumeattachments',
  kind: 'VolumeAttachment',
  namespaced: false,
} as Resource<KubeObject & { readonly spec: { readonly nodeName: string } }>;
const csiDrivers = {
  group: 'storage.k8s.io',
  version: 'v1',
  plural: 'csidrivers',
  kind: 'CSIDriver',
  namespaced: false,
};
const namespace = 'default';
const grace = seconds(4);

/** A kubelet, until it is stopped. */
function kubelet(name: string): { stop(): void } {
  const { kube } = world;
  const stopped = new AbortController();
  const beat = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const renewTime = new Date().toISOString().replace('Z', '000Z');
      const lease = { metadata: { name, namespace: 'kube-node-lease' }, spec: { holderIdentity: name, renewTime } };
      await kube.apply(leases, lease, { manager: 'kubelet', force: true });
      const status = (await kube.get(nodes, { name }))?.status?.conditions?.find(
        ({ type }) => type === 'Ready',
      )?.status;
      if (status !== 'True') await says(name);
      await sleep(ms(500), stopped.signal).catch(() => undefined);
    }
  };
  beat().catch(() => undefined);
  return { stop: () => stopped.abort() };
}

async function says(name: string): Promise<void> {
  const at = new Date().toISOString();
  const ready = { type: 'Ready', status: 'True', lastHeartbeatTime: at, lastTransitionTime: at };
  await world.kube.merge(
    nodes,
    { name },
    { status: { conditions: [ready], volumesInUse: [`kubernetes.io/csi/udisk.csi.ucloud.cn^bsr-1`] } },
    { subresource: 'status' },
  );
}

beforeAll(async () => {
  world = await startRangesWorld();
  const { kube, server, cloud } = world;
  await kube
    .create(
      { group: '', version: 'v1', plural: 'namespaces', kind: 'Namespace', namespaced: false },
      { metadata: { name: 'kube-node-lease' } },
    )
    .catch(() => undefined);
  machine = await addCloudNode(world, 'web-1');
  await addCloudNode(world, 'web-2');
  for (const name of ['web-1', 'web-2']) {
    const annotations = { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' };
    await kube.merge(nodes, { name }, { metadata: { annotations } });
  }
  await kube.create(csiDrivers, {
    metadata: { name: 'udisk.csi.ucloud.cn' },
    spec: { attachRequired: true },
  } as KubeObject);
  await kube.create(persistentVolumes, {
    metadata: { name: 'pv-1' },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'disk',
      csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: 'bsr-1' },
    },
  } as KubeObject);
  const claim = await kube.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace, annotations: { 'pv.kubernetes.io/bind-completed': 'yes' } },
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
      storageClassName: 'disk',
      volumeName: 'pv-1',
    },
  } as KubeObject);
  const claimRef = { namespace, name: 'data', uid: claim.metadata.uid };
  await kube.merge(persistentVolumes, { name: 'pv-1' }, { spec: { claimRef } });
  const status = { phase: 'Bound' };
  await kube.merge(persistentVolumeClaims, { name: 'data', namespace }, { status }, { subresource: 'status' });
  await kube.merge(persistentVolumes, { name: 'pv-1' }, { status }, { subresource: 'status' });
  const { bin } = await ensureBinaries();
  manager = await startBeside(server, bin('kube-controller-manager'), [
    '--controllers=node-lifecycle-controller,taint-eviction-controller,pod-garbage-collector-controller,persistentvolume-attach-detach-controller',
    `--node-monitor-grace-period=${grace / 1000}s`,
    '--node-monitor-period=1s',
    '--attach-detach-reconcile-sync-period=1m',
  ]);
  const events = recordEvents(kube, {
    controller: 'test',
    instance: 'test',
    stop: end.signal,
    onLost: () => undefined,
  });
  runFenceController(
    {
      kube,
      compute: cloud.compute,
      caches: sharedCaches(kube, end.signal),
      events,
      mark,
      policy: { confirmAfter: seconds(2), powerOffAfter: undefined },
      note: () => undefined,
      every: ms(500),
    },
    end.signal,
  ).catch(() => undefined);
});
afterAll(async () => {
  end.abort(new Error('the tests are over'));
  await manager.stop();
  await world.close();
});

test('a dead machine loses its pod and its disk in seconds, and one that is cut off keeps both', async () => {
  const { kube, cloud } = world;
  const kubelets = ['web-1', 'web-2'].map(kubelet);
  const pod = {
    metadata: { name: 'db-0', namespace },
    spec: {
      nodeName: 'web-1',
      containers: [{ name: 'main', image: 'x' }],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'data' } }],
    },
  } as KubeObject;
  await kube.create(pods as Resource<KubeObject>, pod);
  const started = { phase: 'Running', conditions: [{ type: 'Ready', status: 'True' }] };
  await kube.merge(pods, { name: 'db-0', namespace }, { status: started }, { subresource: 'status' });
  const attached = await until('the disk to be attached', async () => (await kube.list(attachments))[0]);
  const done = { status: { attached: true } };
  await kube.merge(attachments, attached.metadata, done, { subresource: 'status' });

  // Cut off: silent, and its machine runs.
  kubelets[0]?.stop();
  await until('the node to be silent', async () =>
    (await kube.get(nodes, { name: 'web-1' }))?.status?.conditions?.some(({ reason }) => reason === 'MachineRuns'),
  );
  await sleep(seconds(25));
  expect((await kube.get(pods, { name: 'db-0', namespace }))?.metadata.deletionTimestamp).toBeUndefined();
  expect((await kube.list(attachments)).map(({ metadata }) => metadata.deletionTimestamp)).toEqual([undefined]);

  // Dead.
  const off = await cloud.compute.power(machine, 'off', { within: seconds(10) });
  expect(off.ok).toBe(true);
  const begun = performance.now();
  const after = (): string => `${((performance.now() - begun) / 1000).toFixed(1)} s`;
  await until('the pod to be gone', async () => (await kube.get(pods, { name: 'db-0', namespace })) === undefined);
  const podGone = after();
  await until('the disk to be detached', async () => (await kube.list(attachments)).length === 0);
  console.log(`after the machine was off, the pod was gone in ${podGone}, and its disk was asked back in ${after()}`);

  // Back: nothing of ours stays.
  await cloud.compute.power(machine, 'start', { within: seconds(10) });
  const back = kubelet('web-1');
  await until('the node to be in service again', async () => {
    const seen = await kube.get(nodes, { name: 'web-1' });
    const conditions = seen?.status?.conditions?.map(({ type }) => type) ?? [];
    return !conditions.includes('isthmus.dev/Fenced') && (seen?.spec?.taints ?? []).length === 0;
  });
  back.stop();
  kubelets[1]?.stop();
});

function until<T>(what: string, look: () => Promise<T | undefined | false>, within: Ms = seconds(60)): Promise<T> {
  return waitFor(
    what,
    async () => {
      await manager.assertAlive();
      return look();
    },
    { within, every: ms(100) },
  );
}
