import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { nodes } from '#kube/resources.ts';
import {
  PluginCapability_VolumeExpansion_Type as Expansion,
  PluginCapability_Service_Type as Part,
} from '#rpc/gen/csi_pb.js';
import { registerPlugin } from '#rpc/plugin-registration.ts';
import { serve } from '#rpc/serve.ts';
import { kubeletFolder, pluginFolder } from '#storage/csi/names.ts';
import { diskDriver } from '#storage/driver.ts';
import { identity } from '#storage/identity.ts';
import { diskNode, type NodeFacts } from '#storage/node/disk-node.ts';
import { minutes, seconds, untilAborted, waitFor } from '#unit/clock.ts';
import { parseProviderId } from '#unit/provider-id.ts';
import { main } from './main.ts';

/** The build of the image puts the real one in its place. */
const version = '0.0.0-development';

/**
 * The node's half of the driver of cloud disks: `node csi-node.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME, ISTHMUS_MOST_DISKS, KUBERNETES_SERVICE_HOST and _PORT. It announces itself to kubelet, and is ready once kubelet has taken it.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-node' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const name = process.env['NODE_NAME'] ?? '';
  if (name === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');
  const mostVolumes = Number(process.env['ISTHMUS_MOST_DISKS']);
  if (!Number.isInteger(mostVolumes) || mostVolumes < 1)
    throw new Error(`ISTHMUS_MOST_DISKS: "${process.env['ISTHMUS_MOST_DISKS'] ?? ''}" is no number of disks, write 20`);

  let refusal: string | undefined = 'kubelet has not asked for the driver yet';
  const ready = (): string | undefined => refusal;
  const health = await serveHealth({ live: () => undefined, ready }, { port: healthPorts.csiNode });
  const about = {
    name: diskDriver,
    version,
    services: [Part.CONTROLLER_SERVICE, Part.VOLUME_ACCESSIBILITY_CONSTRAINTS],
    expansion: Expansion.ONLINE,
  };
  const endpoint = join(pluginFolder(diskDriver), 'csi.sock');
  const machine = { ...(await whereAmI(name, stop)), mostVolumes };
  note(machine, 'serving the disks of this machine');
  const driver = await serve(endpoint, [identity(about), diskNode(await insideOf(name, 1), machine)], { note });
  // Last: kubelet asks the driver at once.
  const registration = await registerPlugin(
    { driver: diskDriver, endpoint, registry: `${kubeletFolder}/plugins_registry` },
    (fault) => {
      refusal = fault === undefined ? undefined : `kubelet refuses the driver: ${fault}`;
      note({ fault }, fault === undefined ? 'kubelet knows the driver' : 'kubelet refuses the driver');
    },
    { note },
  );
  try {
    await untilAborted(stop);
  } finally {
    await registration.close();
    await driver.close();
    await health.close();
  }
});

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
