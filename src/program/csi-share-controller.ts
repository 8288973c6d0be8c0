import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { settingsSchema } from '#kube/api/settings.ts';
import { serve } from '#rpc/serve.ts';
import { controllerSocket } from '#storage/csi/names.ts';
import { shareController } from '#storage/share/share-controller.ts';
import { shareIdentity } from '#storage/share/share-identity.ts';
import { shareRoots } from '#storage/share/share-roots.ts';
import { seconds, untilAborted } from '#unit/clock.ts';
import { countCloudCall } from './cloud-calls.ts';
import { followCloudKeys } from './cloud-keys.ts';
import { main } from './main.ts';
import { providerNamed } from './providers.ts';
import { readSettings } from './settings-files.ts';

/** The build of the image puts the real one in its place. */
const version = '0.0.0-development';

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
  const { provider: name, region, zone, vpc, subnet, ...own } = settings.cloud;
  const provider = providerNamed(name);
  const keys = await followCloudKeys(keysFolder, Object.keys(provider.credentials), { stop, note });
  const cloud = provider.open({ provider: name, region, zone, vpc, subnet, own }, keys, { note: countCloudCall });
  const inside = await insideOf('the control plane', 1);
  const controller = shareController({
    shares: cloud.fileShares,
    inside,
    roots: shareRoots(inside, note),
    mark: settings.name,
    zone,
    place: { vpc, subnet },
    poll: seconds(2),
  });
  const server = await serve(controllerSocket, [shareIdentity(version), controller], { note });
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
