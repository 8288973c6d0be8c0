import { readFile } from 'node:fs/promises';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { nodes } from '#kube/resources.ts';
import { diskDriver } from '#storage/driver.ts';
import { identity } from '#storage/identity.ts';
import { diskNode, type NodeFacts } from '#storage/node/disk-node.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import { main } from './main.ts';
import { runNodePlugin } from './node-plugin.ts';
import { stampedVersion } from './version.ts';

/**
 * The node's half of the driver of cloud disks: `node csi-node.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME, ISTHMUS_MOST_DISKS, KUBERNETES_SERVICE_HOST and _PORT.
 */
main(import.meta.filename, (stop) =>
  runNodePlugin(
    { program: 'csi-node', driver: diskDriver, port: healthPorts.csiNode },
    stop,
    async ({ node, note }) => {
      const mostVolumes = Number(process.env['ISTHMUS_MOST_DISKS']);
      if (!Number.isInteger(mostVolumes) || mostVolumes < 1)
        throw new Error(
          `ISTHMUS_MOST_DISKS: "${process.env['ISTHMUS_MOST_DISKS'] ?? ''}" is no number of disks, write 20`,
        );
      const machine = { ...(await whereAmI(node, stop)), mostVolumes };
      note(machine, 'serving the disks of this machine');
      return { services: [identity(diskDriver, stampedVersion), diskNode(await insideOf(node, 1), machine)] };
    },
  ),
);

/** Which machine of the cloud this Node is, which its kubelet tells the API server when it joins. */
async function whereAmI(name: string, stop: AbortSignal): Promise<Omit<NodeFacts, 'mostVolumes'>> {
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env));
  try {
    return await waitFor(`Node ${name} to say which machine it is`, () => machineOf(kube, name), {
      within: minutes(10),
      every: seconds(2),
      signal: stop,
    });
  } finally {
    await kube.close();
  }
}

async function machineOf(kube: Kube, name: string): Promise<Omit<NodeFacts, 'mostVolumes'>> {
  const node = await kube.get(nodes, { name });
  const told = node?.spec?.providerID ?? '';
  const id = parseProviderId(told);
  if (id?.ground !== 'cloud') throw new Error(`spec.providerID "${told}" names no machine of a cloud`);
  const region = node?.metadata.labels?.['topology.kubernetes.io/region'];
  if (region === undefined) throw new Error('it has no label topology.kubernetes.io/region');
  return { machine: id.id, region, zone: id.zone };
}
