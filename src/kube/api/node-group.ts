import * as z from 'zod';
import type { Meta, Resource } from '../kube.ts';
import { conditionsShape } from './condition.ts';

/** A bound lets the server reckon what checking each may cost. */
export const mostMachines = 500;

/** On the Node of each machine of a group: the group's name. Set by the controller; a kubelet can't write it. */
export const groupLabel = 'isthmus.dev/node-group';

/** On a NodeGroup: it is not gone before its machines are. */
export const groupFinalizer = 'isthmus.dev/machines';

/** `true` on a pod: no group takes its node away while it runs. */
export const doNotDisrupt = 'isthmus.dev/do-not-disrupt';

const count = (description: string) => z.number().int().min(0).max(mostMachines).meta({ description });

const amount = (description: string, example: string) =>
  z
    .string()
    .max(16)
    .meta({
      description,
      'x-kubernetes-validations': [
        { rule: "self.matches('^[1-9][0-9]*(Mi|Gi)$')", message: `is no amount with its unit, write ${example}` },
      ],
    });

const cloudId = (description: string) =>
  z
    .string()
    .max(128)
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]*$/)
    .meta({ description });

export const shapeShape = z.object({
  cpu: z.number().int().min(1).max(256).meta({ description: 'CPUs.' }),
  memory: amount('Memory, for example 4Gi.', '4Gi'),
});

export const placeShape = z.object({
  zone: cloudId('The zone of the cloud.'),
  subnet: cloudId('The subnet of the machines there, and of the pods on them.'),
});

/** @source kubernetes pkg/kubelet/apis/well_known_labels.go: a kubelet may set no label of Kubernetes but a few */
const labelRule =
  "self.all(k, !k.matches('^([a-z0-9.-]+[.])?(kubernetes[.]io|k8s[.]io|isthmus[.]dev)/') && k.matches('^([a-z0-9.-]+/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$') && self[k].matches('^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$'))";

/** What stands in `spec`: whoever writes the group says what each of its machines is like and how many there may be. */
export const nodeGroupSpec = z
  .object({
    shapes: z
      .array(shapeShape)
      .min(1)
      .max(16)
      .meta({ description: 'The first is used; each further one where the cloud has none of those before it left.' }),
    image: cloudId('The image that the machines are made from.'),
    zones: z
      .array(placeShape)
      .min(1)
      .max(16)
      .optional()
      .meta({ description: "Machines are spread over these. Left out: the cluster's own zone and subnet." }),
    disk: amount('The boot disk, for example 40Gi.', '40Gi'),
    charge: z.enum(['hour', 'month', 'year', 'spot']).meta({
      description:
        'How each machine is paid: by the hour, or a month or a year in advance. spot: cheaper, and the cloud may take it away at any time.',
    }),
    elasticInterfaces: z
      .boolean()
      .optional()
      .meta({ description: 'Whether further network interfaces can be attached to the machines.' }),
    labels: z
      .record(z.string().max(317), z.string().max(63))
      .optional()
      .meta({
        description: 'Labels of the Nodes of machines that are made from now on.',
        maxProperties: 32,
        'x-kubernetes-validations': [
          {
            rule: labelRule,
            message:
              'are no labels that a group may give: keys of kubernetes.io, k8s.io and isthmus.dev are not its own, write pool: burst',
          },
        ],
      }),
    taints: z
      .array(
        z.object({
          key: z
            .string()
            .max(253)
            .regex(/^([a-z0-9.-]+\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/),
          value: z
            .string()
            .max(63)
            .regex(/^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/)
            .optional(),
          effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
        }),
      )
      .max(16)
      .optional()
      .meta({ description: 'Taints of the Nodes of machines that are made from now on.' }),
    min: count('So many machines at least.'),
    max: count('So many machines at most.'),
    initial: count('So many machines to begin with. Left out: min.').optional(),
    desired: count(
      'So many machines are wanted now. It belongs to whoever scales the group: kubectl scale, an autoscaler. Left out: the controller writes initial, or min.',
    ).optional(),
    leaveFirst: z.array(z.string().max(63)).max(mostMachines).optional().meta({
      description:
        'Machines that leave before all others when there are more than are wanted, and in whose place no other leaves. isthmus node remove writes it together with desired; the controller removes the names of machines that have gone.',
      'x-kubernetes-list-type': 'set',
    }),
  })
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'self.min <= self.max',
        message: 'min is above max: lower min or raise max',
        fieldPath: '.min',
      },
      {
        rule: '!has(self.initial) || (self.min <= self.initial && self.initial <= self.max)',
        message: 'initial is outside min and max: write a number between them',
        fieldPath: '.initial',
      },
      {
        rule: '!has(self.desired) || self.min <= self.desired',
        message: 'desired is below min: scale to min or more, or lower min',
        fieldPath: '.desired',
      },
      {
        rule: '!has(self.desired) || self.desired <= self.max',
        message: 'desired is above max: scale to max or less, or raise max',
        fieldPath: '.desired',
      },
    ],
  });

/** What a machine of a group is recorded with before the cloud is asked for it. */
export const memberShape = z.object({
  name: z.string().max(63).meta({ description: 'Of the machine in the cloud and of its Node.' }),
  ...shapeShape.shape,
  ...placeShape.shape,
  asked: z.iso.datetime().meta({ description: 'When the cloud was last asked for it, RFC 3339.' }),
  id: z.string().max(128).optional().meta({ description: "The cloud's id, once it has told one." }),
  joined: z.boolean().optional().meta({ description: 'Its Node was Ready, and its join token is removed.' }),
  leaving: z
    .object({
      reason: z.string().max(64),
      says: z.string().max(1024),
      since: z.iso.datetime(),
      ended: z.boolean().optional().meta({ description: 'The cloud has ended the machine; what is left is its Node.' }),
    })
    .optional()
    .meta({ description: 'Why it goes, once that is decided.' }),
});

export const nodeGroupStatus = z.object({
  machines: count('Machines that are there or were asked for, those that leave included.').optional(),
  ready: count('Of these, those whose Nodes are Ready.').optional(),
  selector: z.string().max(256).optional().meta({ description: 'Selects the Nodes of the group.' }),
  members: z
    .array(memberShape)
    .max(2 * mostMachines)
    .optional()
    .meta({
      description: 'The machines of the group: what is not listed here is none of them, whatever its name is.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
    }),
  conditions: conditionsShape.optional(),
});

export type NodeGroupSpec = z.infer<typeof nodeGroupSpec>;
export type GroupMember = z.infer<typeof memberShape>;
export type NodeGroupStatus = z.infer<typeof nodeGroupStatus>;

/** Cloud machines of one kind, of which there are as many as are wanted. */
export interface NodeGroupObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly spec: NodeGroupSpec;
  readonly status?: NodeGroupStatus;
}

/** How many machines a group is to have: whoever scales may have been overtaken by who changed the bounds. */
export function machinesWanted({ min, max, initial, desired }: GroupBounds): number {
  return Math.max(min, Math.min(max, desired ?? initial ?? min));
}

export interface GroupBounds {
  readonly min: number;
  readonly max: number;
  readonly initial?: number | undefined;
  readonly desired?: number | undefined;
}

export const nodeGroups: Resource<NodeGroupObject> = {
  group: 'isthmus.dev',
  version: 'v1alpha1',
  plural: 'nodegroups',
  kind: 'NodeGroup',
  namespaced: false,
};
