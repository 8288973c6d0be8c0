import type { PodObject } from '../resources.ts';

/**
 * Condition of a Node of the site that does not answer: True while its machine is only cut off, as far as others can tell, False when it is dead,
 * Unknown while that is not known.
 */
export const cutCondition = 'isthmus.dev/Cut';

/** `isthmus.dev/sees-base-2` on the Node of base-1: whether base-2, which the API server does not hear, answers base-1. */
export const seesPrefix = 'isthmus.dev/sees-';

/** Annotation of pods and namespaces: what happens to pods of a machine that is cut off, `stay` or `move`. */
export const whenCutAnnotation = 'isthmus.dev/when-cut';

type PodVolume = NonNullable<NonNullable<PodObject['spec']>['volumes']>[number];

/** Whether a volume may stay on the machine, as claims and folders of it do: a pod with one is not started elsewhere for the asking. */
export function keepsPod(volume: PodVolume): boolean {
  return 'persistentVolumeClaim' in volume || 'ephemeral' in volume || 'hostPath' in volume;
}
