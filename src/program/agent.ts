import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { healthPorts } from '#capability/health-ports.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { defaultCooldown } from '#network/attachments.ts';
import { runNetworkAgent, usualPaths } from '#network/network-agent.ts';
import { runNeighbourAgent } from '#node/cut/neighbour-agent.ts';
import { type Ip, ip, parseIp } from '#unit/ip.ts';
import { main } from './main.ts';
import { agentCaches } from './shared-caches.ts';

/**
 * The agent of one node: `node agent.mjs [--mtu BYTES]`, environment NODE_NAME, NODE_IP, ISTHMUS_MTU, ISTHMUS_METADATA (addresses,
 * by commas), KUBERNETES_SERVICE_HOST and _PORT.
 */
main(import.meta.filename, async (stop) => {
  const { values } = parseArgs({ options: { mtu: { type: 'string' } } });
  const log = pino({ base: { program: 'agent' } });
  const node = process.env['NODE_NAME'] ?? '';
  if (node === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');
  const address = parseIp(process.env['NODE_IP'] ?? '');
  if (address === undefined)
    throw new Error(`NODE_IP is "${process.env['NODE_IP'] ?? ''}": give it this Node's address, from status.hostIP`);
  const access = await inClusterAccess((path) => readFile(path, 'utf8'), process.env);
  const kube = connect(access, {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  });
  const options = {
    node,
    address,
    kube,
    nodes: agentCaches(kube, stop).nodes,
    api: peerOf(access.server),
    mtu: mtuOf(values.mtu ?? process.env['ISTHMUS_MTU']),
    cooldown: defaultCooldown,
    metadata: addressesIn(process.env['ISTHMUS_METADATA'] ?? ''),
    healthPort: healthPorts.agent,
    paths: { ...usualPaths, plugin: '/app/isthmus-cni' },
    note: (facts: object, doing: string) => log.info(facts, doing),
  };
  try {
    await Promise.all([runNetworkAgent(options, stop), runNeighbourAgent(options, stop)]);
  } finally {
    await kube.close();
  }
});

function peerOf(server: string): { readonly address: Ip; readonly port: number } {
  const { hostname, port } = new URL(server);
  return { address: ip(hostname), port: Number(port === '' ? 443 : port) };
}

function addressesIn(text: string): readonly Ip[] {
  return text === '' ? [] : text.split(',').map((part) => ip(part.trim()));
}

/** No limit of its own unless told: then the uplink's is the pods'. */
function mtuOf(text: string | undefined): number {
  if (text === undefined || text === '') return 65_535;
  const mtu = Number(text);
  // Below 576 IPv4 itself stops working; RFC 791.
  if (!Number.isInteger(mtu) || mtu < 576 || mtu > 65_535)
    throw new Error(`ISTHMUS_MTU: "${text}" is no size of a packet in bytes, write 1400`);
  return mtu;
}
