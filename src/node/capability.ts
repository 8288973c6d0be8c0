import type { Capability } from '#capability/capability.ts';
import { approveBesideUp } from './identity/controllers.ts';
import { identityObjects } from './identity/objects.ts';
import { nodeObjects } from './objects.ts';

/** Nodes: who may be one, what they are called by, and how long they stay. */
export const node: Capability = {
  name: 'node',
  objects: (facts) => [...nodeObjects(facts), ...identityObjects(facts)],
  besideUp: approveBesideUp,
};
