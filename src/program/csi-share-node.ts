import { join } from 'node:path';
import { pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { registerPlugin } from '#rpc/plugin-registration.ts';
import { serve } from '#rpc/serve.ts';
import { kubeletFolder, pluginFolder } from '#storage/csi/names.ts';
import { shareDriver } from '#storage/share/driver.ts';
import { shareIdentity } from '#storage/share/share-identity.ts';
import { shareNode } from '#storage/share/share-node.ts';
import { untilAborted } from '#unit/clock.ts';
import { main } from './main.ts';

/** The build of the image puts the real one in its place. */
const version = '0.0.0-development';

/**
 * The node's half of the driver of file shares: `node csi-share-node.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME. It announces itself to kubelet, and is ready once kubelet has taken it.
 */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'csi-share-node' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const name = process.env['NODE_NAME'] ?? '';
  if (name === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');

  let refusal: string | undefined = 'kubelet has not asked for the driver yet';
  const ready = (): string | undefined => refusal;
  const health = await serveHealth({ live: () => undefined, ready }, { port: healthPorts.csiShareNode });
  const endpoint = join(pluginFolder(shareDriver), 'csi.sock');
  const services = [shareIdentity(version), shareNode(await insideOf(name, 1), name)];
  const driver = await serve(endpoint, services, { note });
  // Last: kubelet asks the driver at once.
  const registration = await registerPlugin(
    { driver: shareDriver, endpoint, registry: `${kubeletFolder}/plugins_registry` },
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
