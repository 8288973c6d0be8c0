import * as z from 'zod';
import type { Meta, Resource } from '../kube.ts';
import { conditionsShape } from './condition.ts';
import { cidrText, ipText, macText, spanText } from './text.ts';

/** A bound lets the server reckon what checking each address may cost; no cloud gives one machine so many. */
export const mostAddresses = 1024;

/** Likewise. @source UCloud VPC manual, elastic network interfaces: 15 on the largest machines */
const mostInterfaces = 64;

const homeText = z.string().max(253).meta({ description: 'The id of a network interface in the cloud.' });

/**
 * One per node, named like it: the addresses that this node may give to its pods. The controller writes `spec` and the
 * condition `Addresses`, the node's agent writes the rest of `status`; nobody else writes either.
 */
export const podRangeSpec = z.object({
  ground: z.enum(['cloud', 'site']).meta({ description: 'Which side of the line the node stands on.' }),
  subnet: cidrText
    .meta({
      ...cidrText.meta(),
      description: 'Routed site nodes: the subnet whose addresses all belong to this node, for example 172.16.3.0/24.',
    })
    .optional(),
  bridged: z
    .object({
      pods: spanText.meta({
        ...spanText.meta(),
        description:
          'The addresses of the site network that are set aside for pods; `addresses` has those of this node.',
      }),
      interface: z.string().max(15).optional().meta({
        description: 'The network interface in that network; the one with the address of the node if it is absent.',
      }),
    })
    .optional()
    .meta({ description: 'Bridged site nodes: pods have addresses of the network that the machine itself is in.' }),
  addresses: z
    .array(
      z.object({
        ip: ipText,
        state: z.enum(['settling', 'usable', 'releasing']).meta({
          description:
            'settling: the cloud gave it and its network does not know it yet, or nobody has made sure yet that no other node has it. usable: pods may get it. releasing: give it to no pod, and say whether one has it.',
        }),
        since: z.iso.datetime().meta({ description: 'When it came into this state, RFC 3339.' }),
        home: homeText.optional().meta({
          ...homeText.meta(),
          description:
            'The network interface that has it, if that is not the primary one of the machine: `home` of one of `spec.interfaces`.',
        }),
      }),
    )
    .max(mostAddresses)
    .optional()
    .meta({
      description:
        'Cloud nodes: the addresses that the cloud has given to this node. Bridged site nodes: those that the controller has given to it.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['ip'],
    }),
  interfaces: z
    .array(
      z.object({
        home: homeText,
        mac: macText.meta({ ...macText.meta(), description: 'By it the node knows its link.' }),
        address: ipText.meta({ ...ipText.meta(), description: 'Its own address, which no pod gets.' }),
        network: cidrText.meta({ ...cidrText.meta(), description: 'The subnet that it is in.' }),
        gateway: ipText.meta({ ...ipText.meta(), description: 'The router of that subnet.' }),
      }),
    )
    .max(mostInterfaces)
    .optional()
    .meta({
      description:
        'Cloud nodes: network interfaces of the machine beside its primary one. Packets from their addresses leave by them.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['home'],
    }),
});

export const podRangeStatus = z.object({
  inUse: z
    .number()
    .int()
    .optional()
    .meta({ description: 'Addresses that pods hold, those still cooling down after their pod among them.' }),
  free: z.number().int().optional().meta({ description: 'Usable addresses that no pod holds.' }),
  held: z.array(ipText).max(mostAddresses).optional().meta({
    description: 'Addresses of `spec.addresses`, in whatever state, that pods hold.',
  }),
  resting: z.array(ipText).max(mostAddresses).optional().meta({
    description: 'Addresses of `spec.addresses` that a pod held a moment ago: none gets them yet.',
  }),
  released: z.array(ipText).max(mostAddresses).optional().meta({
    description:
      'Addresses in state releasing that no pod holds and none will get: the controller may give them back to the cloud, or to another machine of the site.',
  }),
  conflicts: z
    .array(z.object({ ip: ipText, mac: macText }))
    .max(mostAddresses)
    .optional()
    .meta({
      description:
        'Addresses of `spec.addresses` that another machine uses, and the MAC address of that machine. No pod gets them.',
    }),
  network: z
    .enum(['starting', 'working'])
    .optional()
    .meta({ description: 'Whether pods of this node can be given a working network.' }),
  observedGeneration: z
    .number()
    .int()
    .optional()
    .meta({ description: 'The `metadata.generation` that this status answers.' }),
  conditions: conditionsShape.optional().meta({
    ...conditionsShape.meta(),
    description:
      'PodNetwork (written by the agent): whether pods of this node have a working network. PodRoutes (written by the agent of a site node): whether packets of its pods come back from beyond the gateway. PodInterfaces (written by the agent of a cloud node with several interfaces): whether the node has each of them. PodConflicts (written by the agent of a bridged site node): False while another machine uses an address of its pods. Addresses (written by the controller): whether the node gets the addresses it needs. False: the message says what is wrong and what helps.',
  }),
});

/** Condition types of a PodRange. Each has one writer, which applies it with its own field manager. */
export const podNetwork = 'PodNetwork';
export const podAddresses = 'Addresses';
export const podRoutes = 'PodRoutes';
export const podInterfaces = 'PodInterfaces';
export const podConflicts = 'PodConflicts';

export type PodRangeSpec = z.infer<typeof podRangeSpec>;
/** A network interface of a node beside its primary one. */
export type FurtherInterface = NonNullable<PodRangeSpec['interfaces']>[number];
export type PodRangeStatus = z.infer<typeof podRangeStatus>;
export interface PodRangeObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly spec: PodRangeSpec;
  readonly status?: PodRangeStatus;
}

export const podRanges: Resource<PodRangeObject> = {
  group: 'isthmus.dev',
  version: 'v1alpha1',
  plural: 'podranges',
  kind: 'PodRange',
  namespaced: false,
};
