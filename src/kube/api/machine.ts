import * as z from 'zod';
import type { Meta, Resource } from '../kube.ts';
import { ipText } from './text.ts';

/** A machine of the site as the cluster knows it: written at its joining, read by everything that must not mistake it for a cloud machine. */
export const machineSpec = z.object({
  address: ipText.meta({ ...ipText.meta(), description: 'Its address in the site network; also its node address.' }),
  hostKey: z
    .string()
    .regex(/^SHA256:[A-Za-z0-9+/]{43}=?$/)
    .meta({
      description: 'The SSH host key that was pinned at first contact, as SHA256:…; absent while nobody has logged in.',
    })
    .optional(),
  podNetwork: z.enum(['routed', 'bridged']).optional().meta({
    description:
      'Whether its pods have a subnet of their own or addresses of the site network. Absent: as `network.site.mode` of cluster.yaml says.',
  }),
});

export type MachineSpec = z.infer<typeof machineSpec>;
export interface MachineObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly spec: MachineSpec;
}

export const machines: Resource<MachineObject> = {
  group: 'isthmus.dev',
  version: 'v1alpha1',
  plural: 'machines',
  kind: 'Machine',
  namespaced: false,
};
