import type { IPodSpec } from 'kubernetes-models/v1';
import { expect, test } from 'vitest';
import type { ClusterFacts } from '#capability/capability.ts';
import { exampleFacts } from '#capability/facts.example.ts';
import type { KubeObject } from '#kube/kube.ts';
import { diskObjects, localObjects, shareObjects } from './objects.ts';

const facts = (cloudDisks: boolean): ClusterFacts => ({
  ...exampleFacts,
  cluster: { ...exampleFacts.cluster, storage: { cloudDisks, fileShares: false, powerOffSilentAfter: undefined } },
  image: (part) => `example.com/${part}1`,
});

interface Workload extends KubeObject {
  readonly spec?: { readonly template?: { readonly spec?: IPodSpec } };
}

const pods = diskObjects(facts(true))
  .map(({ object }): Workload => object)
  .flatMap(({ metadata, spec }) => {
    const pod = spec?.template?.spec;
    return pod === undefined ? [] : [{ name: metadata.name, pod }];
  });

function podOf(name: string): IPodSpec {
  return pods.find((one) => one.name === name)?.pod ?? expect.fail(`there is no ${name}`);
}

test('a cluster that does not ask for cloud disks gets nothing, and finds no image missing', () => {
  expect(diskObjects({ ...facts(false), image: () => expect.fail('no image is asked for') })).toEqual([]);
});

test('what nodes run is on cloud nodes alone, and all that asks the cloud is on a control plane', () => {
  expect(Object.fromEntries(pods.map(({ name, pod }) => [name, pod.nodeSelector]))).toEqual({
    'isthmus-csi-node': { 'isthmus.dev/ground': 'cloud' },
    'isthmus-csi-controller': { 'node-role.kubernetes.io/control-plane': '' },
    'isthmus-snapshot-controller': { 'node-role.kubernetes.io/control-plane': '' },
  });
});

test('the keys of the cloud are seen by one container, and by none on the nodes', () => {
  const secrets = pods.flatMap(({ name, pod }) =>
    (pod.volumes ?? []).filter(({ secret }) => secret).map((volume) => ({ pod: name, volume: volume.name })),
  );
  expect(secrets).toEqual([{ pod: 'isthmus-csi-controller', volume: 'keys' }]);
  const seeing = podOf('isthmus-csi-controller').containers.filter(({ volumeMounts = [] }) =>
    volumeMounts.some(({ name }) => name === 'keys'),
  );
  expect(seeing.map(({ name }) => name)).toEqual(['csi-controller']);
});

test('a call to the cloud may take as long as the cloud takes, and the API server is asked often enough', () => {
  const sidecars = podOf('isthmus-csi-controller').containers.filter(({ name }) => name !== 'csi-controller');
  const said = (args: readonly string[] = [], option: string): number =>
    Number(args.find((arg) => arg.startsWith(`--${option}=`))?.match(/=(\d+)/)?.[1]);
  const least: Readonly<Record<string, readonly [option: string, seconds: number]>> = {
    'csi-provisioner': ['timeout', 120],
    // Attaching and detaching may take three minutes.
    'csi-attacher': ['timeout', 181],
    'csi-resizer': ['resize-timeout', 60],
    'csi-snapshotter': ['timeout', 60],
  };
  expect(sidecars.map(({ name }) => name)).toEqual(Object.keys(least));
  for (const { name, args } of sidecars) {
    const [option, seconds] = least[name] ?? ['', 0];
    expect(said(args, option), name).toBeGreaterThanOrEqual(seconds);
    expect(said(args, 'kube-api-qps'), name).toBeGreaterThanOrEqual(100);
    expect(args, name).toContain('--leader-election');
  }
});

test('nothing but the node service is more than a plain process', () => {
  for (const { name, pod } of pods.filter((one) => one.name !== 'isthmus-csi-node')) {
    expect(pod.securityContext, name).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
    expect(pod, name).not.toHaveProperty('hostPID');
    for (const container of pod.containers)
      expect(container.securityContext, container.name).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
  }
  expect(podOf('isthmus-csi-node')).toMatchObject({ hostPID: true, tolerations: [{ operator: 'Exists' }] });
});

test('no class is the default, every one waits for its pod, grows, and is billed by the hour', () => {
  const classes = diskObjects(facts(true)).filter(({ resource }) => resource.kind === 'StorageClass');
  expect(classes.map(({ object }) => object.metadata.name)).toEqual([
    'cloud-disk',
    'ssd-csi-udisk',
    'cloud-disk-fast',
    'csi-udisk-rssd',
    'cloud-disk-bulk',
    'sata-csi-udisk',
  ]);
  for (const { object } of classes) {
    expect(object.metadata.annotations).toBeUndefined();
    expect(object).toMatchObject({
      provisioner: 'udisk.csi.ucloud.cn',
      parameters: { chargeType: 'dynamic' },
      volumeBindingMode: 'WaitForFirstConsumer',
      allowVolumeExpansion: true,
    });
  }
});

const given = { directories: ['/srv/volumes'], disks: [], keepFree: undefined };

function siteFacts(storage: typeof given | undefined): ClusterFacts {
  const machines = [{ name: 'base-1', address: '192.168.50.11', storage }];
  return { ...facts(false), cluster: { ...facts(false).cluster, machines } };
}

test('machines of the site that give nothing to volumes run no driver', () => {
  expect(localObjects({ ...siteFacts(undefined), image: () => expect.fail('no image is asked for') })).toEqual([]);
});

test('the driver of their own disks runs on nodes of the site alone, makes volumes there, and has no secret', () => {
  const made = localObjects(siteFacts(given));
  const pod = made.map(({ object }): Workload => object).find(({ kind }) => kind === 'DaemonSet')?.spec?.template?.spec;
  expect(pod?.nodeSelector).toEqual({ 'isthmus.dev/ground': 'site' });
  expect((pod?.volumes ?? []).filter(({ secret }) => secret)).toEqual([]);
  expect(pod?.containers.map(({ name }) => name)).toEqual(['csi-local', 'csi-provisioner', 'csi-resizer']);
  const args = pod?.containers.find(({ name }) => name === 'csi-provisioner')?.args ?? [];
  expect(args).toEqual(expect.arrayContaining(['--node-deployment', '--enable-capacity', '--strict-topology']));
  // A provisioner that waits for a lease would leave the volumes of its machine unmade.
  expect(args).not.toContain('--leader-election');
  const classes = made.filter(({ resource }) => resource.kind === 'StorageClass');
  expect(classes.map(({ object }) => object.metadata.name)).toEqual(['local', 'local-disk']);
});

const shareFacts: ClusterFacts = {
  ...facts(false),
  cluster: { ...facts(false).cluster, storage: { ...facts(false).cluster.storage, fileShares: true } },
};

test('a cluster that does not ask for file shares gets nothing', () => {
  expect(shareObjects({ ...facts(false), image: () => expect.fail('no image is asked for') })).toEqual([]);
});

test('the driver of file shares runs on cloud nodes alone, and only the part on the control plane has the keys', () => {
  const shown = shareObjects(shareFacts).flatMap(({ object }) => {
    const { metadata, spec } = object as Workload;
    const pod = spec?.template?.spec;
    if (pod === undefined) return [];
    const withKeys = pod.containers.filter(({ volumeMounts = [] }) => volumeMounts.some(({ name }) => name === 'keys'));
    const privileged = pod.containers.filter(({ securityContext }) => securityContext?.privileged === true);
    return [
      {
        name: metadata.name,
        on: pod.nodeSelector,
        withKeys: withKeys.map(({ name }) => name),
        privileged: privileged.map(({ name }) => name),
      },
    ];
  });
  expect(shown).toEqual([
    {
      name: 'isthmus-csi-share-node',
      on: { 'isthmus.dev/ground': 'cloud' },
      withKeys: [],
      privileged: ['csi-share-node'],
    },
    {
      name: 'isthmus-csi-share-controller',
      on: { 'node-role.kubernetes.io/control-plane': '', 'isthmus.dev/ground': 'cloud' },
      withKeys: ['csi-share-controller'],
      privileged: ['csi-share-controller'],
    },
  ]);
});

test('no class of file shares is the default, every one grows and is billed by the hour', () => {
  const classes = shareObjects(shareFacts).filter(({ resource }) => resource.kind === 'StorageClass');
  expect(classes.map(({ object }) => object.metadata.name)).toEqual(['cloud-files', 'cloud-files-bulk']);
  for (const { object } of classes) {
    expect(object.metadata.annotations).toBeUndefined();
    expect(object).toMatchObject({
      provisioner: 'ufs.isthmus.dev',
      parameters: { charge: 'hour' },
      allowVolumeExpansion: true,
    });
  }
});
