import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '#cli/run-cli.ts';
import { exampleText } from '#cluster/config/config.example.ts';
import { makeKeyPair } from '#host/ssh-keys.ts';
import type { KubeObject } from '#kube/kube.ts';
import { nodes, persistentVolumeClaims, persistentVolumes, storageClasses } from '#kube/resources.ts';
import { account, startTestCloud, type TestCloud } from '#lab/ucloud/test-cloud.ts';
import { capabilities } from '../../../src/program/capabilities.ts';
import { providers } from '../../../src/program/providers.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { kubeconfigOf } from '../../support/control-plane.ts';

/** What a person sees of volumes, by the real commands on a real API server and the simulated cloud. */
const api = apiServerForTests();
let folder: string;
let cloud: TestCloud;
let disk: string;

beforeAll(async () => {
  const { kube, server } = api;
  folder = await mkdtemp(join(tmpdir(), 'isthmus-commands-'));
  await mkdir(join(folder, '.isthmus/shop'), { recursive: true });
  await writeFile(join(folder, 'key'), makeKeyPair('test').private, { mode: 0o600 });
  cloud = await startTestCloud();
  const made = await cloud.call('CreateUDisk', {
    Name: 'old',
    Size: 20,
    DiskType: 'SSDDataDisk',
    ChargeType: 'Dynamic',
  });
  [disk] = made['UDiskId'] as [string];
  const text = exampleText
    .replace('key: /key', `key: ${join(folder, 'key')}`)
    .replace('project: org-abc', `project: ${account.project.id}\n  endpoint: ${cloud.url.replace(/\/$/, '')}`);
  await writeFile(join(folder, 'cluster.yaml'), text);
  await writeFile(join(folder, '.isthmus/shop/kubeconfig'), kubeconfigOf(server, 'shop'), { mode: 0o600 });
  await writeFile(join(folder, '.isthmus/shop/authority.crt'), server.access.ca ?? '', { mode: 0o600 });
  const topology = {
    'topology.udisk.csi.ucloud.cn/region': account.region,
    'topology.udisk.csi.ucloud.cn/zone': account.zone,
  };
  await kube.create(nodes, { metadata: { name: 'web-1', labels: { 'isthmus.dev/ground': 'cloud', ...topology } } });
  await kube.create(nodes, { metadata: { name: 'base-1', labels: { 'isthmus.dev/ground': 'site' } } });
  await kube.create(storageClasses, { metadata: { name: 'csi-udisk-rssd' }, provisioner: 'udisk.csi.ucloud.cn' });
  const claimRef = { namespace: 'default', name: 'data' };
  await kube.create(persistentVolumes, {
    metadata: { name: 'pv-old' },
    spec: {
      capacity: { storage: '10Gi' },
      accessModes: ['ReadWriteOnce'],
      storageClassName: 'csi-udisk-rssd',
      csi: { driver: 'udisk.csi.ucloud.cn', volumeHandle: disk },
      claimRef,
    },
  } as KubeObject);
  await kube.create(persistentVolumeClaims, {
    metadata: claimRef,
    spec: {
      accessModes: ['ReadWriteOnce'],
      resources: { requests: { storage: '10Gi' } },
      storageClassName: 'csi-udisk-rssd',
      volumeName: 'pv-old',
    },
  } as KubeObject);
});
afterAll(async () => {
  await cloud.close();
  await rm(folder, { recursive: true });
});

async function run(
  words: string,
  answer?: string,
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> {
  let [out, err] = ['', ''];
  const code = await runCli([...words.split(' '), '--file', join(folder, 'cluster.yaml')], {
    version: '1.2.3',
    env: { A: account.publicKey, B: account.privateKey },
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    signal: new AbortController().signal,
    ask: answer === undefined ? undefined : async () => answer,
    capabilities,
    askSecret: undefined,
    providers,
    own: () => Promise.reject(new Error('no command here makes a bundle')),
  });
  return { code, out, err };
}

const blind =
  'it does not say where it can be used, so pods may be sent to machines of the site, which cannot attach it';
const wouldSet =
  '  set the node affinity of PersistentVolume pv-old of default/data to isthmus.dev/ground=cloud and topology.udisk.csi.ucloud.cn/region=cn-bj2 and topology.udisk.csi.ucloud.cn/zone=cn-bj2-04; it cannot be changed afterwards\n';

test('isthmus doctor storage tells, asks before it writes, and is content afterwards', async () => {
  const told = `PersistentVolume pv-old (claim default/data): ${blind}; isthmus doctor storage --fix mends it\n`;
  expect(await run('doctor storage')).toMatchObject({ code: 1, out: told });
  const json = await run('doctor storage --output json');
  expect(JSON.parse(json.out)).toEqual({
    fixed: [],
    findings: [
      {
        what: 'PersistentVolume',
        volume: 'pv-old',
        claim: 'default/data',
        fault: 'no-topology',
        says: blind,
        fixable: true,
      },
    ],
  });
  // Nobody to ask, and a no.
  expect(await run('doctor storage --fix')).toMatchObject({ code: 2 });
  const refused = await run('doctor storage --fix', 'n');
  expect(refused).toMatchObject({ code: 1, out: told });
  expect(refused.err).toContain(wouldSet);
  expect((await api.kube.get(persistentVolumes, { name: 'pv-old' }))?.spec?.nodeAffinity).toBeUndefined();

  const explained = await run('explain pvc data');
  expect(explained).toMatchObject({ code: 1 });
  expect(explained.out).toContain(`storage: the volume does not say where it can be used`);

  expect(await run('doctor storage --fix', 'y')).toMatchObject({
    code: 0,
    out: 'PersistentVolume pv-old: mended\nall volumes can be used where they say\n',
  });
  expect(await run('doctor storage --fix --yes')).toMatchObject({
    code: 0,
    out: 'all volumes can be used where they say\n',
  });
});

test('isthmus explain pvc shows the whole way, and names what does not exist', async () => {
  expect(await run('explain pvc data')).toMatchObject({
    code: 0,
    out: `pvc default/data: nothing found
  StorageClass csi-udisk-rssd (udisk.csi.ucloud.cn)
  volume pv-old (${disk}), in zone cn-bj2-04 of the cloud
  can be used on web-1
  not on base-1: the volume is in zone cn-bj2-04 of the cloud
  used by no pod
`,
  });
  const missing = await run('explain pvc dta');
  expect(missing.code).toBe(1);
  expect(missing.err).toContain(
    'there is no PersistentVolumeClaim dta in the namespace default; name another one with --namespace',
  );
});
