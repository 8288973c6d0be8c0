import type * as z from 'zod';
import type { KubeObject, Meta, Resource } from './kube.ts';
import { type Schema, structuralSchema } from './structural.ts';

/** A CustomResourceDefinition, cut down to what we write and read. */
export interface CrdObject {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly metadata: Meta;
  readonly spec: {
    readonly group: string;
    readonly scope: 'Namespaced' | 'Cluster';
    readonly names: {
      readonly plural: string;
      readonly singular: string;
      readonly kind: string;
      readonly listKind: string;
      readonly shortNames?: readonly string[];
    };
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: Schema };
      readonly subresources?: { readonly status: object; readonly scale?: ScalePaths };
      readonly additionalPrinterColumns?: readonly PrinterColumn[];
    }[];
  };
}

export const customResourceDefinitions: Resource<CrdObject> = {
  group: 'apiextensions.k8s.io',
  version: 'v1',
  plural: 'customresourcedefinitions',
  kind: 'CustomResourceDefinition',
  namespaced: false,
};

/** Fields of an object that the subresource `scale` reads and writes. */
export interface ScalePaths {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath?: string;
}

export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'date' | 'boolean';
  readonly jsonPath: string;
  readonly description?: string;
  /** Above 0: only shown with `-o wide`. */
  readonly priority?: number;
}

/**
 * The definition that makes the API server know a resource of ours.
 * @fails Error naming the field for a type that has no structural schema
 */
export function crdFor<T extends KubeObject>(
  { group, version, plural, kind, namespaced }: Resource<T>,
  { spec, status }: { readonly spec: z.ZodType; readonly status?: z.ZodType },
  { singular, shortNames, printerColumns, description, validations, scale }: CrdLook,
): CrdObject {
  const schema: Schema = {
    type: 'object',
    description,
    required: ['spec'],
    ...(validations !== undefined && { 'x-kubernetes-validations': validations }),
    properties: {
      spec: structuralSchema(spec, `${kind}.spec`),
      ...(status !== undefined && { status: structuralSchema(status, `${kind}.status`) }),
    },
  };
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${plural}.${group}` },
    spec: {
      group,
      scope: namespaced ? 'Namespaced' : 'Cluster',
      names: { plural, singular, kind, listKind: `${kind}List`, ...(shortNames !== undefined && { shortNames }) },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: schema },
          ...(status !== undefined && { subresources: { status: {}, ...(scale !== undefined && { scale }) } }),
          ...(printerColumns !== undefined && { additionalPrinterColumns: printerColumns }),
        },
      ],
    },
  };
}

export interface CrdLook {
  readonly singular: string;
  /** What `kubectl explain` says first. */
  readonly description: string;
  readonly shortNames?: readonly string[];
  readonly printerColumns?: readonly PrinterColumn[];
  /** Rules over the whole object, in CEL; of its metadata they see the name alone. */
  readonly validations?: readonly { readonly rule: string; readonly message: string }[];
  /** Makes `kubectl scale` work. Only with a status. */
  readonly scale?: ScalePaths;
}
