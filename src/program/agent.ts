import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { defaultCooldown } from '#network/attachments.ts';
import { runNetworkAgent, usualPaths } from '#network/network-agent.ts';
import { main } from './main.ts';

/** The agent of one node: `node agent.mjs [--mtu BYTES]`, environment NODE_NAME, ISTHMUS_MTU, KUBERNETES_SERVICE_HOST and _PORT. */
main(import.meta.filename, async (stop) => {
  const { values } = parseArgs({ options: { mtu: { type: 'string' } } });
  const log = pino({ base: { program: 'agent' } });
  const node = process.env['NODE_NAME'] ?? '';
  if (node === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  });
  const options = {
    node,
    kube,
    mtu: mtuOf(values.mtu ?? process.env['ISTHMUS_MTU']),
    cooldown: defaultCooldown,
    paths: { ...usualPaths, plugin: '/app/isthmus-cni' },
    note: (facts: object, doing: string) => log.info(facts, doing),
  };
  try {
    await runNetworkAgent(options, stop);
  } finally {
    await kube.close();
  }
});

/** No limit of its own unless told: then the uplink's is the pods'. */
function mtuOf(text: string | undefined): number {
  if (text === undefined || text === '') return 65_535;
  const mtu = Number(text);
  // Below 576 IPv4 itself stops working; RFC 791.
  if (!Number.isInteger(mtu) || mtu < 576 || mtu > 65_535)
    throw new Error(`ISTHMUS_MTU: "${text}" is no size of a packet in bytes, write 1400`);
  return mtu;
}
