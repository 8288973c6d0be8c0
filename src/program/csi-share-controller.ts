import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { settingsSchema } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { serve } from '#rpc/serve.ts';
import { controllerSocket } from '#storage/csi/names.ts';
import { identity } from '#storage/identity.ts';
import { inFlight } from '#storage/in-flight.ts';
import { shareDriver } from '#storage/share/driver.ts';
import { shareController } from '#storage/share/share-controller.ts';
import { shareRoots } from '#storage/share/share-roots.ts';
import { runLeftFolders } from '#storage/share/tend-left-folders.ts';
import { seconds, untilAborted } from '#unit/clock.ts';
import { main } from './main.ts';
import { openCloud } from './open-cloud.ts';
import { readSettings } from './settings-files.ts';
import { stampedVersion } from './version.ts';

/** Files of ConfigMap and Secret, by the Deployment. */
const settingsFolder = '/etc/isthmus';
const keysFolder = '/etc/isthmus-cloud';

/**
 * The controller's half of the driver of file shares: `node csi-share-controller.mjs` in a privileged container with the process numbers of a machine of the
 * cloud, environment KUBERNETES_SERVICE_HOST and _PORT, files under /etc/isthmus and /etc/isthmus-cloud. It answers its sidecars at /csi/csi.sock.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-share-controller' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const settings = await readSettings(settingsFolder, 'settings.json', settingsSchema);
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  });
  const cloud = await openCloud(settings, keysFolder, { stop, note });
  const inside = await insideOf('the control plane', 1);
  const common = {
    shares: cloud.fileShares,
    inside,
    roots: shareRoots(inside, note),
    flight: inFlight(),
    mark: settings.name,
    place: { vpc: settings.cloud.vpc, subnet: settings.cloud.subnet },
    before: (folder: string, step: string): void => note({ folder, step }, 'changing a file share'),
  };
  const controller = shareController({ ...common, zone: settings.cloud.zone, poll: seconds(2) });
  const server = await serve(controllerSocket, [identity(shareDriver, stampedVersion), controller], { note });
  const health = await serveHealth(
    { live: () => undefined, ready: () => undefined },
    { port: healthPorts.csiShareController },
  );
  try {
    // A share that does not answer holds up no end.
    await Promise.race([untilAborted(stop), runLeftFolders({ ...common, kube, note }, stop)]);
  } finally {
    await server.close();
    await health.close();
    await kube.close();
  }
});
