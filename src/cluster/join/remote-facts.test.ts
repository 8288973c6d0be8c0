import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { localHost } from '#host/local.ts';
import type { Instant } from '#unit/clock.ts';
import { observeMachine } from './machine-facts.ts';
import { observeRemotely, parseRemoteFacts } from './remote-facts.ts';

const asked = {
  ports: [10250],
  bundleUrl: 'http://127.0.0.1:1/bundle',
  api: { address: '127.0.0.1', port: 1 },
  pods: [],
};

test('a shell sees the same machine that our own program sees on it', async () => {
  const host = localHost(hostname());
  const [remote, local] = [await observeRemotely(host, asked), await observeMachine(host, asked)];
  const steady = ({
    root,
    architecture,
    kernel,
    cpu,
    memory,
    swapOn,
    cgroup,
    systemd,
    joined,
    takenPorts,
  }: typeof remote) => ({
    root,
    architecture,
    kernel,
    cpu,
    memory,
    swapOn,
    cgroup,
    systemd,
    joined,
    takenPorts,
  });
  expect(steady(remote)).toEqual(steady(local));
  const alike = (
    key:
      | 'conntrackMax'
      | 'overlayFilesystem'
      | 'containerdOnOverlay'
      | 'nftables'
      | 'inotifyInstances'
      | 'mayLowerOomScore'
      | 'resolvers'
      | 'cniFiles'
      | 'surroundings',
  ) => expect({ [key]: remote[key] }).toEqual({ [key]: local[key] });
  alike('conntrackMax');
  alike('overlayFilesystem');
  alike('containerdOnOverlay');
  alike('nftables');
  alike('inotifyInstances');
  alike('mayLowerOomScore');
  alike('resolvers');
  alike('cniFiles');
  alike('surroundings');
  // Other programs make and remove files meanwhile.
  const calm = ({ inodes, ...system }: typeof remote.system) => ({ ...system, inodes: inodes?.size });
  expect(calm(remote.system)).toEqual(calm(local.system));
  expect(remote.disk.size).toBe(local.disk.size);
  expect(remote.bundleFault).toMatch(/Failed to connect|Couldn't connect/);
  expect(remote.apiFault).toMatch(/Failed to connect|Couldn't connect/);
  // Both clocks are one; a second is what `date` rounds away, the rest is a busy computer.
  expect(Math.abs(remote.clockAhead ?? Number.NaN)).toBeLessThan(10_000);
});

test('a proxy in the environment is not asked, as the program on the machine does not ask it either', async () => {
  const server = createServer((_request, response) => response.end('{}')).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const host = localHost(hostname());
  const proxied: typeof host = {
    ...host,
    run: (argv, options) =>
      host.run(
        ['env', ...['http', 'https', 'all'].map((name) => `${name}_proxy=http://127.0.0.1:1`), ...argv],
        options,
      ),
  };
  const { bundleFault } = await observeRemotely(proxied, { ...asked, bundleUrl: `http://127.0.0.1:${port}` });
  server.close();
  expect(bundleFault).toBeUndefined();
});

test("a machine's clock is measured against the moment at which it was asked", () => {
  const { clockAhead } = parseRemoteFacts('clock=1700000300\n', { ports: [], sent: 1_700_000_000_000 as Instant });
  expect(clockAhead).toBe(300_000);
});

test('a machine without any of the tools is described all the same', () => {
  const facts = parseRemoteFacts('user=0\narch=aarch64\nmissing=containerd\nmissing=curl\nlistens=280A\n', {
    ports: [10250],
    sent: 0 as Instant,
  });
  expect(facts).toMatchObject({
    root: true,
    architecture: 'aarch64',
    systemd: false,
    missingCommands: ['containerd', 'curl'],
    takenPorts: [10250],
    memberOf: undefined,
  });
});

test('a pod that takes a connection is reached, whatever it then says; one that refuses is told, by a shell as by our program', async () => {
  const server = createTcpServer((socket) => void socket.on('error', () => undefined).end('not HTTP\n'));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const silent = createTcpServer((socket) => void socket.on('error', () => undefined));
  silent.listen(0, '127.0.0.2');
  await once(silent, 'listening');
  const pods = [
    { address: '127.0.0.1', port },
    { address: '127.0.0.2', port: (silent.address() as AddressInfo).port },
    { address: '127.0.0.3', port: 1 },
  ];
  const host = localHost(hostname());
  for (const look of [observeRemotely, observeMachine]) {
    const { silentPods } = await look(host, { ...asked, pods });
    expect(silentPods).toEqual([{ pod: '127.0.0.3', why: expect.stringMatching(/refused|connect/i) }]);
  }
  server.close();
  silent.close();
}, 60_000);
