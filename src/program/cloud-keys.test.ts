import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import { followCloudKeys } from './cloud-keys.ts';

let volume: string;
beforeEach(async () => {
  volume = await mkdtemp(join(tmpdir(), 'isthmus-keys-'));
});
afterEach(() => rm(volume, { recursive: true }));

/** Exchanges what lies in the volume as kubelet does: a new folder, and a link that is renamed over the old one. */
async function put(name: string, publicKey: string, privateKey: string): Promise<void> {
  await mkdir(join(volume, name, 'cloud'), { recursive: true });
  await writeFile(join(volume, name, 'cloud/publicKey'), `${publicKey}\n`);
  await writeFile(join(volume, name, 'cloud/privateKey'), `${privateKey}\n`);
  await symlink(name, join(volume, '..new'));
  await rename(join(volume, '..new'), join(volume, '..data'));
}

async function follow() {
  const said: string[] = [];
  const stop = new AbortController();
  await symlink('..data/cloud', join(volume, 'cloud'));
  const note = (facts: object, doing: string): void => void said.push(`${doing} ${JSON.stringify(facts)}`);
  const keys = await followCloudKeys(join(volume, 'cloud'), ['publicKey', 'privateKey'], {
    stop: stop.signal,
    note,
    every: ms(20),
  });
  return { keys, said, stop };
}

test('keys that were rotated in the Secret are used without a restart, and appear in no log', async () => {
  await put('v1', 'public-one', 'private-one');
  const { keys, said, stop } = await follow();
  expect({ ...keys }).toEqual({ publicKey: 'public-one', privateKey: 'private-one' });
  await put('v2', 'public-two', 'private-two');
  await waitFor('the new keys', async () => keys.privateKey === 'private-two', { within: seconds(10), every: ms(10) });
  expect(keys.publicKey).toBe('public-two');
  expect(said).toEqual(['the cloud keys have changed {}']);
  stop.abort(new Error('enough'));
});

test('a Secret that was emptied by mistake leaves the keys that were read last, and is reported once', async () => {
  await put('v1', 'public-one', 'private-one');
  const { keys, said, stop } = await follow();
  await put('v2', 'public-two', '');
  await waitFor('the report', async () => said.length > 0, { within: seconds(10), every: ms(10) });
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(said).toHaveLength(1);
  expect(said[0]).toContain('privateKey is empty: set privateKey in the Secret isthmus-system/isthmus-cloud');
  expect(keys.privateKey).toBe('private-one');
  stop.abort(new Error('enough'));
});
