import type { Capability } from '#capability/capability.ts';
import { explainIngress, pathOfIngress } from './application/explain-ingress.ts';
import { explainService, pathOfService } from './explain.ts';
import { balancerObjects } from './objects.ts';
import { balancerStatus } from './status.ts';

/** Services and Ingresses that face the world. */
export const balancer: Capability = {
  name: 'balancer',
  objects: balancerObjects,
  status: balancerStatus,
  explains: { service: explainService, ingress: explainIngress },
  paths: { service: pathOfService, ingress: pathOfIngress },
};
