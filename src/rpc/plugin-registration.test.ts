import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seconds } from '#unit/clock.ts';
import { dial } from './client.ts';
import { Registration } from './gen/pluginregistration_pb.js';
import { registerPlugin } from './plugin-registration.ts';

const within = seconds(10);

test('kubelet learns the driver and its socket, and its answer is passed on; ended, the announcement is gone', async () => {
  const registry = await mkdtemp(join(tmpdir(), 'isthmus-registry-'));
  const answers: (string | undefined)[] = [];
  const plugin = {
    driver: 'disk.example.dev',
    endpoint: '/var/lib/kubelet/plugins/disk.example.dev/csi.sock',
    registry,
  };
  const server = await registerPlugin(plugin, (fault) => answers.push(fault), { note: () => {} });
  const kubelet = dial(join(registry, 'disk.example.dev-reg.sock'), Registration);
  try {
    expect(await kubelet.ask.getInfo({}, { within })).toMatchObject({
      type: 'CSIPlugin',
      name: 'disk.example.dev',
      endpoint: '/var/lib/kubelet/plugins/disk.example.dev/csi.sock',
      supportedVersions: ['1.0.0'],
    });
    await kubelet.ask.notifyRegistrationStatus({ pluginRegistered: false, error: 'no node id' }, { within });
    await kubelet.ask.notifyRegistrationStatus({ pluginRegistered: true }, { within });
    expect(answers).toEqual(['no node id', undefined]);
  } finally {
    kubelet.close();
    await server.close();
  }
  expect(await readdir(registry)).toEqual([]);
  await rm(registry, { recursive: true });
});
