import type { NodeRequirement, NodeSelectorTerm, Toleration } from '#kube/resources.ts';

/** A pod as the API server gives it, cut down to the fields that the scheduler looks at. */
export interface PlannerPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec?: PlannerPodSpec;
}

export interface PlannerPodSpec {
  readonly containers?: readonly PlannerContainer[];
  readonly initContainers?: readonly PlannerContainer[];
  readonly overhead?: Quantities;
  /** Of the pod as a whole: they stand for those of its containers. */
  readonly resources?: { readonly requests?: Quantities };
  readonly hostNetwork?: boolean;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Toleration[];
  readonly topologySpreadConstraints?: readonly {
    readonly topologyKey: string;
    readonly whenUnsatisfiable: string;
  }[];
  readonly affinity?: {
    readonly nodeAffinity?: {
      readonly requiredDuringSchedulingIgnoredDuringExecution?: {
        readonly nodeSelectorTerms?: readonly NodeSelectorTerm[];
      };
    };
    readonly podAffinity?: { readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodTerm[] };
    readonly podAntiAffinity?: { readonly requiredDuringSchedulingIgnoredDuringExecution?: readonly PodTerm[] };
  };
  readonly volumes?: readonly {
    readonly name: string;
    readonly persistentVolumeClaim?: { readonly claimName: string };
    readonly ephemeral?: object;
  }[];
}

export interface PlannerContainer {
  readonly name: string;
  readonly restartPolicy?: string;
  readonly resources?: { readonly requests?: Quantities };
  readonly ports?: readonly { readonly hostPort?: number; readonly protocol?: string }[];
}

export interface PodTerm {
  readonly topologyKey: string;
  readonly labelSelector?: {
    readonly matchLabels?: Readonly<Record<string, string>>;
    readonly matchExpressions?: readonly NodeRequirement[];
  };
  readonly namespaces?: readonly string[];
  readonly namespaceSelector?: object;
}

/** Amounts as Kubernetes writes them: `cpu: 500m`, `memory: 1Gi`, `pods: "110"`. */
export type Quantities = Readonly<Record<string, string>>;
