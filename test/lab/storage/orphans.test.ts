import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemNamespace } from '#kube/api/settings.ts';
import type { KubeObject } from '#kube/kube.ts';
import { configMaps, namespaces, persistentVolumeClaims, persistentVolumes } from '#kube/resources.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { kubeIntents } from '../../../src/storage/controller/intents.ts';
import { tendOrphans } from '../../../src/storage/controller/orphan-controller.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { type DiskCloud, openDiskCloud } from '../../support/disk-cloud.ts';
import { testMark as mark } from '../../support/disk-driver.ts';

const api = apiServerForTests();
let cloud: DiskCloud;

beforeAll(async () => {
  cloud = await openDiskCloud({});
  await api.kube.create(namespaces, { metadata: { name: systemNamespace } });
});
afterAll(() => cloud.close());

/** A disk as the driver asks for it: the intent first. */
async function asked(owner: string): Promise<string> {
  const { disks } = cloud.cloud;
  await kubeIntents(api.kube).note(owner);
  const made = await disks.create(
    {
      mark,
      owner,
      zone: cloud.zone,
      near: undefined,
      kind: 'ssd',
      size: gibi(10),
      source: { from: 'nothing' },
      charge: 'hour',
      quantity: 1,
      encryptionKey: undefined,
      snapshotService: false,
    },
    { within: seconds(20) },
  );
  if (!made.ok) throw new Error(JSON.stringify(made.failure));
  const { id } = made.value;
  const isFree = async (): Promise<boolean> => {
    const seen = await disks.find(id, { within: seconds(5) });
    return seen.ok && seen.value.state === 'free';
  };
  await waitFor(`${id} to be free`, isFree, { within: seconds(20), every: ms(20) });
  return id;
}

/** As if every disk had been asked for an hour ago. */
async function makeOld(): Promise<void> {
  const at = new Date(Date.now() - 3_600_000).toISOString();
  for (const { metadata } of await api.kube.list(configMaps, { namespace: systemNamespace }))
    if (metadata.name.startsWith('isthmus-disk-'))
      await api.kube.merge(configMaps, { name: metadata.name, namespace: systemNamespace }, { data: { at } });
}

function names(): readonly string[] {
  return cloud.ucloud
    .objects()
    .udisks.map(({ id }) => id)
    .sort();
}

test('what was asked for and is nobody’s goes; what has a claim, a volume or was attached once stays', async () => {
  const { kube } = api;
  const intents = kubeIntents(kube);
  const tend = async (): Promise<readonly string[]> => {
    const steps = await tendOrphans({ kube, disks: cloud.cloud.disks, intents, mark });
    return steps.map((step) => ('why' in step ? `${step.do} ${step.why}` : step.do)).sort();
  };
  expect(await tend()).toEqual([]);
  const claim = await kube.create(persistentVolumeClaims, {
    metadata: { name: 'data', namespace: 'default' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
  } as KubeObject);
  const claimed = await asked(`pvc-${claim.metadata.uid}`);
  const bound = await asked('pvc-bound');
  await kube.create(persistentVolumes, {
    metadata: { name: 'pvc-bound' },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: bound },
    },
  } as KubeObject);
  const used = await asked('pvc-used');
  await intents.settle('pvc-used');
  const leaked = await asked('pvc-leaked');
  await intents.note('pvc-never-made');
  expect(names()).toEqual([claimed, bound, used, leaked].sort());
  // Asked for a moment ago, it may be what the provisioner is at.
  expect(await tend()).toEqual(['keep claimed', 'keep young', 'keep young', 'settle has-a-volume']);
  await makeOld();
  expect(await tend()).toEqual(['keep claimed', 'remove', 'settle was-never-made']);
  expect(names()).toEqual([claimed, bound, used].sort());
  await waitFor('the intent of the removed disk to go', async () => !(await tend()).includes('remove'), {
    within: seconds(30),
    every: ms(200),
  });
  expect(await tend()).toEqual(['keep claimed']);
  expect(names()).toEqual([claimed, bound, used].sort());
});
