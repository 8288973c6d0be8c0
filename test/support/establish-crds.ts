import { machineCrd } from '#cluster/system-objects/machine-crd.ts';
import { type CrdObject, customResourceDefinitions } from '#kube/crd.ts';
import type { Kube } from '#kube/kube.ts';
import { podRangeCrd } from '#network/objects.ts';
import { nodeGroupCrd } from '#node/group/objects.ts';
import { volumePlacesCrd } from '#storage/objects.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';

/** The definitions of all resources of `isthmus.dev`. */
export const ourCrds: readonly CrdObject[] = [podRangeCrd, machineCrd, nodeGroupCrd, volumePlacesCrd];

/** Applies definitions, all of ours unless told, and waits until the server serves them. @fails KubeError · WaitedTooLong after 30 s */
export async function establishCrds(kube: Kube, crds: readonly CrdObject[] = ourCrds): Promise<void> {
  for (const crd of crds) await kube.apply(customResourceDefinitions, crd, { manager: 'isthmus-up' });
  const end = performance.now() + seconds(30);
  for (const crd of crds)
    for (const path of pathsOf(crd))
      await waitFor(`the API server to serve ${path}`, async () => (await kube.read(path)) !== '', {
        within: ms(Math.max(end - performance.now(), 1)),
      });
}

/** Asked for itself, because the condition Established comes a moment before the server answers. */
function pathsOf({ spec: { group, names, versions } }: CrdObject): readonly string[] {
  return versions.filter((v) => v.served).map(({ name }) => `/apis/${group}/${name}/${names.plural}?limit=1`);
}
