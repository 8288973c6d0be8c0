import type { Capability } from '#capability/capability.ts';
import { approveBesideUp } from './identity/controllers.ts';
import { identityObjects } from './identity/objects.ts';
import { nodeObjects } from './objects.ts';
import { explainNode, explainPod, nodeStatus, pathOfNode } from './status.ts';

/** Nodes: who may be one, which machines they are, what they are selected by, and how long they stay. */
export const node: Capability = {
  name: 'node',
  objects: (facts) => [...nodeObjects(facts), ...identityObjects(facts)],
  besideUp: approveBesideUp,
  status: nodeStatus,
  explains: { node: explainNode, pod: explainPod },
  paths: { node: pathOfNode },
};
