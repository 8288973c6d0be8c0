import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { settingsSchema } from '#kube/api/settings.ts';
import { serve } from '#rpc/serve.ts';
import { controllerSocket } from '#storage/csi/names.ts';
import { identity } from '#storage/identity.ts';
import { shareDriver } from '#storage/share/driver.ts';
import { shareController } from '#storage/share/share-controller.ts';
import { shareRoots } from '#storage/share/share-roots.ts';
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
 * cloud, files under /etc/isthmus and /etc/isthmus-cloud. It answers its sidecars at /csi/csi.sock.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-share-controller' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const settings = await readSettings(settingsFolder, 'settings.json', settingsSchema);
  const cloud = await openCloud(settings, keysFolder, { stop, note });
  const inside = await insideOf('the control plane', 1);
  const controller = shareController({
    shares: cloud.fileShares,
    inside,
    roots: shareRoots(inside, note),
    mark: settings.name,
    zone: settings.cloud.zone,
    place: { vpc: settings.cloud.vpc, subnet: settings.cloud.subnet },
    poll: seconds(2),
    before: (folder, step) => note({ folder, step }, 'changing a file share'),
  });
  const server = await serve(controllerSocket, [identity(shareDriver, stampedVersion), controller], { note });
  const health = await serveHealth(
    { live: () => undefined, ready: () => undefined },
    { port: healthPorts.csiShareController },
  );
  try {
    await untilAborted(stop);
  } finally {
    await server.close();
    await health.close();
  }
});
