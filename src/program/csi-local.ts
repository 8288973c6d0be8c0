import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import type { MachineStorage } from '#capability/capability.ts';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { registerPlugin } from '#rpc/plugin-registration.ts';
import { serve } from '#rpc/serve.ts';
import { kubeletFolder, pluginFolder } from '#storage/csi/names.ts';
import { localDriver } from '#storage/local/driver.ts';
import { openLocalDriver } from '#storage/local/open-driver.ts';
import { sayOnNode } from '#storage/local/say-on-node.ts';
import { localSettingsSchema } from '#storage/local/settings.ts';
import { now, seconds } from '#unit/clock.ts';
import { main } from './main.ts';
import { readSettings } from './settings-files.ts';

/** The build of the image puts the real one in its place. */
const version = '0.0.0-development';

/**
 * The driver of a physical machine's own disks: `node csi-local.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME, KUBERNETES_SERVICE_HOST and _PORT, files under /etc/isthmus. It announces itself to kubelet, and is ready once kubelet has taken it.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-local' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const node = process.env['NODE_NAME'] ?? '';
  if (node === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');

  let refusal: string | undefined = 'kubelet has not asked for the driver yet';
  const ready = (): string | undefined => refusal;
  const health = await serveHealth({ live: () => undefined, ready }, { port: healthPorts.csiNode });
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  }).within(seconds(10));
  const driver = await openLocalDriver({
    inside: await insideOf(node, 1),
    node,
    version,
    given: () => givenTo(node),
    // Volumes do without it: the line may be cut.
    say: (said) => sayOnNode(kube, node, said, now()),
    note,
  });
  const endpoint = join(pluginFolder(localDriver), 'csi.sock');
  const server = await serve(endpoint, driver.services, { note });
  // Last: kubelet asks the driver at once.
  const registration = await registerPlugin(
    { driver: localDriver, endpoint, registry: `${kubeletFolder}/plugins_registry` },
    (fault) => {
      refusal = fault === undefined ? undefined : `kubelet refuses the driver: ${fault}`;
      note({ fault }, fault === undefined ? 'kubelet knows the driver' : 'kubelet refuses the driver');
    },
    { note },
  );
  try {
    await driver.tend(stop);
  } finally {
    await registration.close();
    await server.close();
    await health.close();
    await kube.close();
  }
});

/** What cluster.yaml gives to volumes of this machine, read anew: kubelet exchanges the file when `isthmus up` has changed it. */
async function givenTo(node: string): Promise<MachineStorage> {
  const { machines } = await readSettings('/etc/isthmus', 'storage.json', localSettingsSchema);
  const given = machines[node] ?? { directories: [], disks: [] };
  return { directories: given.directories, disks: given.disks, keepFree: given.keepFree };
}
