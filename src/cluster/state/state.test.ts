import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parseHostKey } from '#host/host-key.ts';
import { makeKeyPair, publicKeyOf } from '#host/ssh-keys.ts';
import { openState } from './state.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-state-'));
afterAll(() => rmSync(folder, { recursive: true }));
const open = (cluster: string) => openState(join(folder, 'cluster.yaml'), cluster);
const key = (name: string) => parseHostKey(makeKeyPair(name).public) ?? expect.fail('a key that we made does not read');

test('what is kept is beside cluster.yaml and for its owner alone', async () => {
  const state = open('shop');
  expect(await state.kubeconfig()).toBeUndefined();
  await state.saveKubeconfig('apiVersion: v1\n');
  expect(await open('shop').kubeconfig()).toBe('apiVersion: v1\n');
  expect(state.kubeconfigPath).toBe(join(folder, '.isthmus/shop/kubeconfig'));
  expect(statSync(state.kubeconfigPath).mode & 0o777).toBe(0o600);
  expect(statSync(state.folder).mode & 0o777).toBe(0o700);
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
  await open('shop').saveKubeconfig('x');
  await open('other').saveKubeconfig('y');
  await open('shop').remove();
  expect(await open('shop').kubeconfig()).toBeUndefined();
  expect(await open('other').kubeconfig()).toBe('y');
});
