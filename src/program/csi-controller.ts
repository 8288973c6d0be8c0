import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { diskWatch } from '#cloud/disk-watch.ts';
import { settingsSchema } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { serve } from '#rpc/serve.ts';
import { diskController, lookPause } from '#storage/controller/disk-controller.ts';
import { kubeIntents } from '#storage/controller/intents.ts';
import { machineForClaim } from '#storage/controller/machine-for-claim.ts';
import { controllerSocket } from '#storage/csi/names.ts';
import { diskDriver } from '#storage/driver.ts';
import { identity } from '#storage/identity.ts';
import { untilAborted } from '#unit/clock.ts';
import { main } from './main.ts';
import { openCloud } from './open-cloud.ts';
import { readSettings } from './settings-files.ts';
import { stampedVersion } from './version.ts';

/** Files of ConfigMap and Secret, by the Deployment. */
const settingsFolder = '/etc/isthmus';
const keysFolder = '/etc/isthmus-cloud';

/**
 * The controller's half of the driver of cloud disks: `node csi-controller.mjs`, environment KUBERNETES_SERVICE_HOST and _PORT, files under
 * /etc/isthmus and /etc/isthmus-cloud. It answers its sidecars at /csi/csi.sock, which decide among themselves whose replica works.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-controller' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const settings = await readSettings(settingsFolder, 'settings.json', settingsSchema);
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  });
  const cloud = await openCloud(settings, keysFolder, { stop, note });
  const mark = settings.name;
  const controller = diskController({
    cloud,
    watch: diskWatch(cloud.disks, mark, lookPause),
    mark,
    region: settings.cloud.region,
    zone: settings.cloud.zone,
    intents: kubeIntents(kube),
    machineFor: (claim) => machineForClaim(kube, claim),
  });
  const server = await serve(controllerSocket, [identity(diskDriver, stampedVersion), controller], { note });
  const health = await serveHealth(
    { live: () => undefined, ready: () => undefined },
    { port: healthPorts.csiController },
  );
  try {
    await untilAborted(stop);
  } finally {
    await server.close();
    await health.close();
    await kube.close();
  }
});
