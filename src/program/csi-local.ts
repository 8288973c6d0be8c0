import { readFile } from 'node:fs/promises';
import type { MachineStorage } from '#capability/capability.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { localDriver } from '#storage/local/driver.ts';
import { observeLeft } from '#storage/local/observe-left.ts';
import { openLocalDriver } from '#storage/local/open-driver.ts';
import { sayOnNode } from '#storage/local/say-on-node.ts';
import { localSettingsSchema } from '#storage/local/settings.ts';
import { now, seconds } from '#unit/clock.ts';
import { main } from './main.ts';
import { runNodePlugin } from './node-plugin.ts';
import { readSettings } from './settings-files.ts';
import { stampedVersion } from './version.ts';

/**
 * The driver of a physical machine's own disks: `node csi-local.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME, KUBERNETES_SERVICE_HOST and _PORT, files under /etc/isthmus.
 */
main(import.meta.filename, (stop) =>
  runNodePlugin(
    { program: 'csi-local', driver: localDriver, port: healthPorts.csiNode },
    stop,
    async ({ node, log, note }) => {
      const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
        onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
      }).within(seconds(10));
      const { services, tend } = await openLocalDriver({
        inside: await insideOf(node, 1),
        node,
        version: stampedVersion,
        given: () => givenTo(node),
        left: (records) => observeLeft(kube, records),
        // Volumes do without it: the line may be cut.
        say: (said) => sayOnNode(kube, node, said, now()),
        note,
      });
      return { services, tend, close: () => kube.close() };
    },
  ),
);

/** What cluster.yaml gives to volumes of this machine, read anew: kubelet exchanges the file when `isthmus up` has changed it. */
async function givenTo(node: string): Promise<MachineStorage> {
  const { machines } = await readSettings('/etc/isthmus', 'storage.json', localSettingsSchema);
  const given = machines[node] ?? { directories: [], disks: [] };
  return { directories: given.directories, disks: given.disks, keepFree: given.keepFree };
}
