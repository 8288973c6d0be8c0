import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { pathsOf } from '#lab/server/settings.ts';
import { minutes } from '#unit/clock.ts';
import { type Probe, probe } from '../../lab/lab-tools.ts';
import { cloudDiskLife } from '../../support/cloud-disk-life.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { localVolumeLife } from '../../support/local-volume-life.ts';

/** Volumes of both sides in one cluster, by what a user writes: cluster.yaml, claims and pods. */
const name = 'volumes';
const folder = '/srv/volumes';
keepEvidence(name);

let at: Probe;
beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  await succeeds(['lab', 'up', '--name', name, '--speed', '0.05'], { within: minutes(3) });
  at = await probe(name);
  await giveStorage();
  const up = ['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'];
  await succeeds(up, { within: minutes(10) });
}, minutes(15));
afterAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(2) });

/** Disks of the cloud are volumes, and so is room of a file system of base-1. */
async function giveStorage(): Promise<void> {
  const image = '/var/lib/volumes.img';
  await at.ok(
    'base-1',
    `truncate -s 2G ${image} && mkfs.ext4 -q -F ${image} && mkdir -p ${folder} && mount -o loop ${image} ${folder}`,
  );
  const file = join(pathsOf(name).state, 'cluster.yaml');
  const config = parse(await readFile(file, 'utf8')) as { readonly machines: readonly { readonly name: string }[] };
  const machines = config.machines.map((machine) =>
    machine.name === 'base-1' ? { ...machine, storage: { directories: [folder] } } : machine,
  );
  await writeFile(file, stringify({ ...config, machines, storage: { cloudDisks: true } }));
}

test(
  'a disk of the cloud follows its pod from node to node, grows, comes back from a snapshot, and nothing of it is left',
  () => cloudDiskLife(kubectl, (action, params) => at.call(action, params)),
  minutes(8),
);

test(
  'a pod with a local volume goes to the machine that has room, stays with it, and nothing of it is left',
  () => localVolumeLife(kubectl, { home: 'base-1', folder, inMachine: (script) => at.ok('base-1', script) }),
  minutes(8),
);

test('each driver is registered on the nodes of its side alone', async () => {
  const { items } = JSON.parse(await kubectl(['get', 'csinodes', '-o', 'json'])) as {
    readonly items: readonly {
      readonly metadata: { readonly name: string };
      readonly spec: { readonly drivers: readonly { readonly name: string }[] | null };
    }[];
  };
  const drivers = items.map(({ metadata, spec }) => [metadata.name, (spec.drivers ?? []).map((one) => one.name)]);
  expect(Object.fromEntries(drivers)).toEqual({
    'base-1': ['local.isthmus.dev'],
    'base-2': ['local.isthmus.dev'],
    'cp-1': ['udisk.csi.ucloud.cn'],
    'web-1': ['udisk.csi.ucloud.cn'],
    'web-2': ['udisk.csi.ucloud.cn'],
  });
});
