import { expect, test } from 'vitest';
import type { Host } from '#host/host.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { identify } from './machine-identity.ts';

const join = {
  machine: 'web-1',
  ground: 'cloud',
  provider: 'ucloud',
  zone: 'cn-bj2-04',
  api: { address: '10.9.0.10', port: 6443 },
} as JoinFile;

/** Answers the two questions that are asked; leaves out every other command and file. */
function machine(route: string, instanceData: string | undefined): Host {
  return {
    name: 'web-1',
    run: async (argv) => ({ code: 0, stdout: argv.join(' ') === 'ip -j route get 10.9.0.10' ? route : '', stderr: '' }),
    read: async (path) => (path === '/run/cloud-init/instance-data.json' ? instanceData : undefined),
    write: () => Promise.reject(new Error('identity is only looked at')),
    close: () => Promise.resolve(),
  };
}
const route = '[{"dst":"10.9.0.10","dev":"eth0","prefsrc":"10.9.0.12","flags":[]}]';

test('a cloud machine is known by the id that the cloud gave it, and by the address it speaks from', async () => {
  expect(await identify(join, machine(route, '{"v1":{"instance_id":"uhost-1"}}'))).toEqual({
    nodeIp: '10.9.0.12',
    providerId: { ground: 'cloud', provider: 'ucloud', zone: 'cn-bj2-04', id: 'uhost-1' },
  });
});

test('a physical machine is known by its name and the address of cluster.yaml, whatever it finds on itself', async () => {
  const physical: JoinFile = { ...join, ground: 'site', machine: 'base-1', nodeIp: '192.168.50.13' };
  expect(await identify(physical, machine(route, '{"v1":{"instance_id":"uhost-1"}}'))).toEqual({
    nodeIp: '192.168.50.13',
    providerId: { ground: 'site', machine: 'base-1' },
  });
});

test.each([
  ['no data of cloud-init', route, undefined, /must run cloud-init/],
  ['data without an id', route, '{"v1":{}}', /names no v1\.instance_id/],
  ['no route to the API server', '[{}]', '{"v1":{"instance_id":"uhost-1"}}', /give this machine a default route/],
])('%s is said with its cure', async (_title, found, data, message) => {
  await expect(identify(join, machine(found, data))).rejects.toThrow(message);
});
