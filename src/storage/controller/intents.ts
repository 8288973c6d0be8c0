import { createHash } from 'node:crypto';
import { systemNamespace } from '#kube/api/settings.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { type ConfigMapObject, configMaps } from '#kube/resources.ts';
import { type Instant, now } from '#unit/clock.ts';

/** That a disk was going to be made for this owner. */
export interface Intent {
  readonly owner: string;
  /** When it was asked for last. */
  readonly at: Instant;
}

/**
 * What was asked of the cloud and perhaps belongs to no volume: written down before a disk is asked for, and crossed out before it is
 * attached for the first time. So a disk with an intent has never held a byte, and only such a disk may ever be removed because nobody knows it.
 */
export interface Intents {
  /** @fails KubeError: then the disk must not be asked for */
  note(owner: string): Promise<void>;
  /** @fails KubeError: then the disk must not be attached */
  settle(owner: string): Promise<void>;
  list(): Promise<readonly Intent[]>;
}

const label = 'isthmus.dev/disk-intent';

/** One ConfigMap each, in our namespace: they outlive the process, the claim and the volume. */
export function kubeIntents(kube: Kube): Intents {
  return {
    async note(owner) {
      const name = nameOf(owner);
      const data = { owner, at: new Date(now()).toISOString() };
      const object: ConfigMapObject = {
        metadata: { name, namespace: systemNamespace, labels: { [label]: 'true' } },
        data,
      };
      try {
        await kube.create(configMaps, object);
      } catch (e) {
        if (!(e instanceof KubeError) || e.status !== 409) throw e;
        await kube.merge(configMaps, { name, namespace: systemNamespace }, { data });
      }
    },
    settle: (owner) => kube.delete(configMaps, { name: nameOf(owner), namespace: systemNamespace }),
    async list() {
      const objects = await kube.list(configMaps, { namespace: systemNamespace, labelSelector: `${label}=true` });
      return objects.flatMap(({ metadata, data }) => {
        const [owner, at] = [data?.['owner'], Date.parse(data?.['at'] ?? '')];
        if (owner === undefined || Number.isNaN(at)) return [];
        // Machines that join may write an object of their own here, and label it so.
        return metadata.name === nameOf(owner) ? [{ owner, at: at as Instant }] : [];
      });
    },
  };
}

/** Owners may have letters that names of objects may not. */
function nameOf(owner: string): string {
  return `isthmus-disk-${createHash('sha256').update(owner).digest('hex').slice(0, 32)}`;
}
