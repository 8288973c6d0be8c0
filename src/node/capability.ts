import type { Capability } from '#capability/capability.ts';
import { groupObjects } from './group/objects.ts';
import { approveBesideUp } from './identity/controllers.ts';
import { identityObjects } from './identity/objects.ts';
import { nodeObjects } from './objects.ts';
import { nodeSettings } from './settings.ts';
import { explainNode, explainPod, nodeStatus, pathOfNode } from './status.ts';

/** Nodes: who may be one, which machines they are, what they are selected by, and how long they stay. */
export const node: Capability = {
  name: 'node',
  // The groups last: their controller finds its rights.
  objects: (facts) => [...nodeObjects(facts), ...identityObjects(facts), ...groupObjects(facts)],
  settings: nodeSettings,
  besideUp: approveBesideUp,
  status: nodeStatus,
  explains: { node: explainNode, pod: explainPod },
  paths: { node: pathOfNode },
};
