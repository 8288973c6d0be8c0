import { readFile } from 'node:fs/promises';
import { diskWatch } from '#cloud/disk-watch.ts';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import { serve } from '#rpc/serve.ts';
import { diskController, lookPause } from '#storage/controller/disk-controller.ts';
import { kubeIntents } from '#storage/controller/intents.ts';
import { machineForClaim } from '#storage/controller/machine-for-claim.ts';
import { diskDriver } from '#storage/driver.ts';
import { identity } from '#storage/identity.ts';
import { account, connectTo, mark } from './cloud.ts';

/** What csi-controller is, in a process of its own, over a cloud and an API server of a bench: `node storage-driver.ts SETUP`. */
export interface DriverSetup {
  readonly socket: string;
  /** Of the cloud's API. */
  readonly url: string;
  readonly kube: KubeAccess;
}

const { socket, url, kube: access } = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as DriverSetup;
const kube = connect(access);
const cloud = connectTo({ url });
const { region, zone } = account;
await serve(
  socket,
  [
    identity(diskDriver, 'bench'),
    diskController({
      cloud,
      watch: diskWatch(cloud.disks, mark, lookPause),
      mark,
      region,
      zone,
      intents: kubeIntents(kube),
      machineFor: (claim) => machineForClaim(kube, claim),
    }),
  ],
  { note: () => undefined },
);
