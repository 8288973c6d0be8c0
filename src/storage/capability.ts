import type { Capability } from '#capability/capability.ts';
import { explainClaim, explainNode, explainPod, pathOfClaim, pathOfPod } from './explain/explain.ts';
import { storageObjects } from './objects.ts';
import { storageStatus } from './status.ts';

/** Volumes, and that no pod is stranded by where they can be used. */
export const storage: Capability = {
  name: 'storage',
  objects: storageObjects,
  settings: ({ storage: { powerOffSilentAfter } }) => ({
    ...(powerOffSilentAfter !== undefined && { powerOffSilentAfterMs: powerOffSilentAfter }),
  }),
  status: storageStatus,
  explains: { node: explainNode, pod: explainPod, pvc: explainClaim },
  paths: { pod: pathOfPod, pvc: pathOfClaim },
};
