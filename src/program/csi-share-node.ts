import { healthPorts } from '#capability/health-ports.ts';
import { insideOf } from '#host/inside.ts';
import { identity } from '#storage/identity.ts';
import { shareDriver } from '#storage/share/driver.ts';
import { shareNode } from '#storage/share/share-node.ts';
import { main } from './main.ts';
import { runNodePlugin } from './node-plugin.ts';
import { stampedVersion } from './version.ts';

/**
 * The node's half of the driver of file shares: `node csi-share-node.mjs` in a privileged container with the machine's process numbers; environment
 * NODE_NAME.
 */
main(import.meta.filename, (stop) =>
  runNodePlugin(
    { program: 'csi-share-node', driver: shareDriver, port: healthPorts.csiShareNode },
    stop,
    async ({ node }) => ({
      services: [identity(shareDriver, stampedVersion), shareNode(await insideOf(node, 1), node)],
    }),
  ),
);
