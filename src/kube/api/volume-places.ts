import * as z from 'zod';
import type { Meta, Resource } from '../kube.ts';

/**
 * Where the volumes of one namespace can be used, for the admission policy that looks at several of them at once. There is one, named `isthmus`,
 * in a namespace whose volumes cannot all be used in one place, and none elsewhere. Written by the controller.
 */
export const volumePlacesSpec = z.object({
  claims: z
    .record(
      z.string(),
      z.object({
        ground: z.enum(['cloud', 'site']),
        zone: z.string().optional().meta({ description: 'The zone of the cloud.' }),
        machine: z.string().optional().meta({ description: 'The only machine that has the volume.' }),
      }),
    )
    .meta({ description: 'By the name of the PersistentVolumeClaim.' }),
});

export interface VolumePlacesObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly spec: z.infer<typeof volumePlacesSpec>;
}

export const volumePlaces: Resource<VolumePlacesObject> = {
  group: 'isthmus.dev',
  version: 'v1alpha1',
  plural: 'volumeplaces',
  kind: 'VolumePlaces',
  namespaced: true,
};
