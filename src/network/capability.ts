import type { Capability } from '#capability/capability.ts';
import { explainNode, explainPod, pathOfService } from './explain.ts';
import { networkObjects } from './objects.ts';
import { siteGateway } from './routes/site-gateway.ts';
import { networkSettings } from './settings.ts';
import { networkStatus } from './status.ts';

/** Pod addresses and paths. */
export const network: Capability = {
  name: 'network',
  objects: networkObjects,
  settings: networkSettings,
  outside: (site) => siteGateway(site),
  status: networkStatus,
  explains: { node: explainNode, pod: explainPod },
  paths: { service: pathOfService },
};
