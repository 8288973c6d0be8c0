import type { Capability } from '#capability/capability.ts';
import { explainService, pathOfService } from './explain.ts';
import { balancerObjects } from './objects.ts';
import { balancerStatus } from './status.ts';

/** Services that face the world. */
export const balancer: Capability = {
  name: 'balancer',
  objects: balancerObjects,
  status: balancerStatus,
  explains: { service: explainService },
  paths: { service: pathOfService },
};
