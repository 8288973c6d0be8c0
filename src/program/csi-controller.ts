import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { diskWatch } from '#cloud/disk-watch.ts';
import { settingsSchema } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import {
  PluginCapability_VolumeExpansion_Type as Expansion,
  PluginCapability_Service_Type as Part,
} from '#rpc/gen/csi_pb.js';
import { serve } from '#rpc/serve.ts';
import { diskController } from '#storage/controller/disk-controller.ts';
import { kubeIntents } from '#storage/controller/intents.ts';
import { machineForClaim } from '#storage/controller/machine-for-claim.ts';
import { controllerSocket } from '#storage/csi/names.ts';
import { diskDriver } from '#storage/driver.ts';
import { identity } from '#storage/identity.ts';
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

/** The least pause between two lists of all disks: many calls that wait are told by one. */
const look = seconds(1);

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
  const { provider: name, region, zone, vpc, subnet, ...own } = settings.cloud;
  const provider = providerNamed(name);
  const keys = await followCloudKeys(keysFolder, Object.keys(provider.credentials), { stop, note });
  const cloud = provider.open({ provider: name, region, zone, vpc, subnet, own }, keys, {
    note: countCloudCall,
  });
  const mark = settings.name;
  const controller = diskController({
    cloud,
    watch: diskWatch(cloud.disks, mark, look),
    mark,
    region,
    zone,
    intents: kubeIntents(kube),
    machineFor: (claim) => machineForClaim(kube, claim),
  });
  const about = {
    name: diskDriver,
    version,
    services: [Part.CONTROLLER_SERVICE, Part.VOLUME_ACCESSIBILITY_CONSTRAINTS],
    expansion: Expansion.ONLINE,
  };
  const server = await serve(controllerSocket, [identity(about), controller], { note });
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
