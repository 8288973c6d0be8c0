import { existsSync, readFileSync } from 'node:fs';
import { healthPorts } from '#capability/health-ports.ts';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import { runNetworkAgent } from '#network/network-agent.ts';
import { ms } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { agentCaches } from '../../../src/program/shared-caches.ts';
import { startBridge } from './bridge.ts';

/**
 * The node's agent as a process of its own: `daemon.ts FOLDER PLUGIN COOLDOWN_MS`. With FOLDER/access.json it talks to that API
 * server, through FOLDER/api.sock because loopback of the node's namespace is another one; without it there is none.
 */
const [folder, plugin, cooldown] = process.argv.slice(2) as [string, string, string];
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('stopped by SIGTERM')));
const kube = connect(await accessIn(folder));
await runNetworkAgent(
  {
    node: 'node-1',
    address: ip(process.env['NODE_ADDRESS'] ?? '192.168.50.13'),
    kube,
    nodes: agentCaches(kube, stop.signal).nodes,
    api: { address: ip('10.9.0.10'), port: 6443 },
    metadata: [ip('100.80.80.80')],
    healthPort: healthPorts.agent,
    lookEvery: ms(Number(process.env['LOOK_MS'] ?? 15_000)),
    mtu: 1400,
    cooldown: ms(Number(cooldown)),
    patience: ms(1_500),
    paths: {
      socket: `${folder}/cni.sock`,
      state: `${folder}/state`,
      plugin,
      plugins: `${folder}/bin`,
      configuration: `${folder}/net.d`,
    },
    note: (facts, doing) => process.stdout.write(`${JSON.stringify({ ...facts, msg: doing })}\n`),
  },
  stop.signal,
);
await kube.close();
process.exit(0);

async function accessIn(path: string): Promise<KubeAccess> {
  if (!existsSync(`${path}/access.json`)) return { server: 'https://127.0.0.1:1', token: () => 'none' };
  const access = JSON.parse(readFileSync(`${path}/access.json`, 'utf8')) as KubeAccess;
  await startBridge({ port: Number(new URL(access.server).port) }, { path: `${path}/api.sock` });
  return access;
}
