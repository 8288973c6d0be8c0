import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { parseHostKey } from '#host/host-key.ts';
import { makeKeyPair, publicKeyOf } from '#host/ssh-keys.ts';
import { lookingOnly, openState } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (cluster: string) => openState(join(folder, 'cluster.yaml'), cluster);
const key = (name: string) => parseHostKey(makeKeyPair(name).public) ?? expect.fail('a key that we made does not read');

const pem = (kind: string, body: string): string => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const entry = (cluster: string, port: number, authority: string) => ({
  cluster: {
    name: cluster,
    cluster: {
      server: `https://10.9.0.10:${port}`,
      'certificate-authority-data': base64(pem('CERTIFICATE', authority)),
    },
  },
  context: { name: `kubernetes-admin@${cluster}`, context: { cluster, user: `admin-${cluster}` } },
  user: { name: `admin-${cluster}`, user: { token: cluster } },
});
/** As kubeadm writes it, and as other programs add to it. */
const kubeconfig = (...entries: readonly ReturnType<typeof entry>[]): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': entries.at(-1)?.context.name,
    clusters: entries.map(({ cluster }) => cluster),
    contexts: entries.map(({ context }) => context),
    users: entries.map(({ user }) => user),
  });

test('what is kept is beside cluster.yaml and for its owner alone', async () => {
  const state = open('shop');
  expect(await state.kubeAccess()).toBeUndefined();
  await state.saveKubeconfig(kubeconfig(entry('shop', 6443, 'AAAA')));
  expect(await open('shop').kubeAccess()).toMatchObject({
    server: 'https://10.9.0.10:6443',
    ca: pem('CERTIFICATE', 'AAAA'),
  });
  expect(state.kubeconfigPath).toBe(join(folder, '.isthmus/shop/kubeconfig'));
  expect(statSync(state.kubeconfigPath).mode & 0o777).toBe(0o600);
  expect(statSync(state.folder).mode & 0o777).toBe(0o700);
});

test('another cluster that was added to the kubeconfig and made current is not asked', async () => {
  const state = open('exported');
  const own = entry('exported', 6443, 'AAAA');
  await state.saveKubeconfig(kubeconfig(own));
  // As `kind create cluster` does with the file that KUBECONFIG names.
  writeFileSync(state.kubeconfigPath, kubeconfig(own, entry('kind-kind', 40_001, 'BBBB')));
  expect(await state.kubeAccess()).toMatchObject({ server: 'https://10.9.0.10:6443', ca: pem('CERTIFICATE', 'AAAA') });
});

test('a kubeconfig that lost the entry of the cluster, or has another cluster under its name, is refused with a cure', async () => {
  const state = open('replaced');
  await state.saveKubeconfig(kubeconfig(entry('replaced', 6443, 'AAAA')));
  writeFileSync(state.kubeconfigPath, kubeconfig(entry('kind-kind', 40_001, 'BBBB')));
  await expect(state.kubeAccess()).rejects.toThrow(
    /replaced\/kubeconfig: no context is for cluster "replaced"; .*"kind-kind".*copy \/etc\/kubernetes\/admin\.conf/,
  );
  writeFileSync(state.kubeconfigPath, kubeconfig(entry('replaced', 6443, 'BBBB')));
  await expect(state.kubeAccess()).rejects.toThrow(
    /trusts another authority than .*replaced\/authority\.crt.*admin\.conf/,
  );
  expect(await state.hasKubeconfig()).toBe(true);
});

test('pins of machines that are met at the same time are all kept, in the form of OpenSSH', async () => {
  const state = open('pins');
  const keys = Array.from({ length: 8 }, (_, i) => ({ name: `base-${i}`, key: key(`base-${i}`) }));
  await Promise.all(keys.map(({ name, key }) => state.pin(name, key)));
  for (const { name, key } of keys) expect(await open('pins').pinned(name)).toEqual(key);
  expect(readFileSync(join(state.folder, 'known_hosts'), 'utf8')).toMatch(/^(base-\d ssh-ed25519 AAAA\S+\n){8}$/);
});

test('a pin made again replaces the old one and no other', async () => {
  const state = open('again');
  const [first, second, other] = [key('a'), key('b'), key('c')];
  await state.pin('base-1', first);
  await state.pin('base-10', other);
  await state.pin('base-1', second);
  expect(await state.pinned('base-1')).toEqual(second);
  expect(await state.pinned('base-10')).toEqual(other);
});

test('the host key of a cloud machine is made once, and its halves belong together', async () => {
  const first = await open('keys').hostKeys('cp-1', () => makeKeyPair('cp-1'));
  const again = await open('keys').hostKeys('cp-1', () => makeKeyPair('cp-1'));
  expect(again).toEqual(first);
  expect(first.public.startsWith(publicKeyOf({ path: 'cp-1', text: first.private }))).toBe(true);
});

test('a cluster that is forgotten leaves nothing, and no other with it', async () => {
  await open('shop').saveKubeconfig(kubeconfig(entry('shop', 6443, 'AAAA')));
  await open('other').saveKubeconfig(kubeconfig(entry('other', 6443, 'AAAA')));
  await open('shop').remove();
  expect(await open('shop').hasKubeconfig()).toBe(false);
  expect(await open('other').hasKubeconfig()).toBe(true);
});

test('how a machine was reached is kept for when cluster.yaml no longer says it, until the machine is a plain one again', async () => {
  const state = open('access');
  const access = {
    user: 'admin',
    port: 2222,
    key: '/keys/site',
    agent: false,
    jump: { address: 'jump.example', user: 'me', port: 22, key: undefined, agent: true },
  };
  await state.keepAccess('base-1', access);
  expect(await open('access').access('base-1')).toEqual(access);
  expect(statSync(join(state.folder, 'access/base-1')).mode & 0o777).toBe(0o600);
  await lookingOnly(state).keepAccess('base-2', access);
  await lookingOnly(state).forgetAccess('base-1');
  expect(await state.access('base-2')).toBeUndefined();
  expect(await state.access('base-1')).toEqual(access);
  await state.forgetAccess('base-1');
  expect(await state.access('base-1')).toBeUndefined();
});
