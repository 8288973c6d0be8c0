import type { Capability } from '#capability/capability.ts';
import { diskObjects, localObjects, shareObjects } from './csi/objects.ts';
import { explainClaim, explainNode, explainPod, pathOfClaim, pathOfNode, pathOfPod } from './explain/explain.ts';
import { localSettings } from './local/settings.ts';
import { storageObjects } from './objects.ts';
import { storageStatus } from './status.ts';

/** Volumes, and that no pod is stranded by where they can be used. */
export const storage: Capability = {
  name: 'storage',
  // What runs the drivers last: it finds its rights and policies.
  objects: (facts) => [...storageObjects(facts), ...diskObjects(facts), ...localObjects(facts), ...shareObjects(facts)],
  settings: ({ machines, storage: { powerOffSilentAfter } }) => ({
    ...localSettings({ machines }),
    ...(powerOffSilentAfter !== undefined && { powerOffSilentAfterMs: powerOffSilentAfter }),
  }),
  status: storageStatus,
  explains: { node: explainNode, pod: explainPod, pvc: explainClaim },
  paths: { node: pathOfNode, pod: pathOfPod, pvc: pathOfClaim },
};
