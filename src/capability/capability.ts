import type { Cloud } from '#cloud/cloud.ts';
import type { Host } from '#host/host.ts';
import type { NodeGroupSpec } from '#kube/api/node-group.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import type { Bytes } from '#unit/bytes.ts';
import type { Ms } from '#unit/clock.ts';
import type { Cidr, Span } from '#unit/ip.ts';

/**
 * What one capability adds to a cluster, as far as the operator's program is concerned. Joined with the others in
 * `program/capabilities.ts` and nowhere else. What it runs inside the cluster are its `ControllerPart`s and agents.
 */
export interface Capability {
  /** Its folder, `network`; also the name of its settings file and of what `status --output json` shows of it. */
  readonly name: string;
  /** Its definitions, rights, admission policies and workloads, in an order in which each finds what it needs. */
  readonly objects: (facts: ClusterFacts) => readonly SystemObject[];
  /** What its controllers need to know: `NAME.json` in the ConfigMap `isthmus-system/isthmus`. No secrets. */
  readonly settings?: (cluster: ClusterShape, joins: JoinFacts) => object;
  /** What it keeps right outside the Kubernetes API, as far as cluster.yaml lets it. */
  readonly outside?: (site: OperatorSite) => Outside | undefined;
  /**
   * What the operator's program does while `isthmus up` works, because machines can't wait for the controller. Works until `end`; one that fails
   * is started again.
   */
  readonly besideUp?: (given: BesideUp, end: AbortSignal) => Promise<void>;
  /** Its part of `isthmus status`. Looks at a cluster whose API server answers. */
  readonly status?: (look: StatusLook) => Promise<CapabilityStatus>;
  /** Sentences of `isthmus explain KIND NAME`, each with its cure; empty when this capability sees no fault. */
  readonly explains?: Partial<Readonly<Record<ExplainedKind, Explain>>>;
  /** What `isthmus explain KIND NAME` shows of the object whether it works or not: one line for each hop. */
  readonly paths?: Partial<Readonly<Record<ExplainedKind, Explain>>>;
}

export interface BesideUp {
  readonly kube: Kube;
  readonly cloud: Cloud;
  /** The cluster's, on what it makes in the cloud. */
  readonly mark: string;
  /** A line for the one who runs `isthmus up`. */
  readonly say: (line: string) => void;
}

/** One object that belongs in every cluster. */
export interface SystemObject {
  readonly resource: Resource<KubeObject>;
  readonly object: KubeObject;
  /** Objects without whose new form this one must stay as it is: settings that others hold. */
  readonly needs?: readonly KubeObject[];
}

/** What a cloud machine is told to join with. */
export interface JoinFacts extends Pick<ClusterFacts, 'bundle' | 'api'> {
  /** Our program in the bundle, and how many bytes a node fetches in all. */
  readonly download: {
    readonly program: { readonly path: string; readonly digest: string; readonly size: number };
    readonly bytes: number;
  };
}

/** What cluster.yaml says, as far as a capability may depend on it. */
export interface ClusterShape {
  readonly name: string;
  /** The version, in full. */
  readonly kubernetes: string;
  readonly network: {
    readonly services: Cidr;
    readonly site: {
      /** Of machines that say nothing else. */
      readonly mode: 'routed' | 'bridged';
      /** Pods have subnets of this range, one of each machine; `undefined`: no machine is routed. */
      readonly routed: { readonly pods: Cidr; readonly perMachine: number } | undefined;
      /** Pods have these addresses of the machines' own network, by the interface or by the one with the machine's address. */
      readonly bridged: { readonly pods: Span; readonly interface: string | undefined } | undefined;
      readonly machines: readonly Cidr[];
    };
    readonly cloud: { readonly warm: { readonly low: number; readonly high: number } };
  };
  readonly controlPlane: string;
  readonly cloudMachines: readonly { readonly name: string }[];
  /** Groups of cloud machines that come and go. */
  readonly nodeGroups: readonly { readonly name: string; readonly spec: NodeGroupSpec }[];
  readonly machines: readonly {
    readonly name: string;
    readonly address: string;
    /** Absent: routed. */
    readonly podNetwork?: 'routed' | 'bridged';
    readonly storage?: MachineStorage | undefined;
  }[];
  readonly storage: {
    /** Whether disks of the cloud are volumes of the cluster. */
    readonly cloudDisks: boolean;
    /** Whether file shares of the cloud are. */
    readonly fileShares: boolean;
    /** How long a cloud node may be silent before its machine is switched off; `undefined`: for ever. */
    readonly powerOffSilentAfter: Ms | undefined;
  };
  /** What it is to have beside what it needs; `undefined`: not by this file. */
  readonly addons: { readonly ingress: { readonly replicas: number } | undefined };
}

/** What a physical machine gives to volumes of its own. */
export interface MachineStorage {
  /** Folders, each of which takes many volumes. */
  readonly directories: readonly string[];
  /** Whole disks under `/dev/disk/by-id`, each of which becomes one volume. */
  readonly disks: readonly string[];
  /** What stays free on the file system of each folder; `undefined`: as its use demands. */
  readonly keepFree: Bytes | undefined;
}

/** What objects are made from. */
export interface ClusterFacts {
  readonly cluster: ClusterShape;
  /** The whole name of an image of the bundle, by the beginning of its name or of a part of it: `isthmus.dev/isthmus:`. */
  readonly image: (begins: string) => string;
  /** Where machines fetch what they are installed from. */
  readonly bundle: { readonly url: string; readonly digest: string };
  /** Where the API server answers. */
  readonly api: { readonly address: string; readonly port: number };
  /** Bytes of a packet that every path can carry. */
  readonly mtu: number;
  /** Addresses at which machines of the cloud read their own metadata, secrets among it. */
  readonly metadata: readonly string[];
  /** How many ports one load balancer of the cloud answers. */
  readonly mostPorts: number;
  /** How many disks one machine of the cloud takes beside the one that it starts from. */
  readonly mostDisks: number;
}

/** The operator's way to what is not the cluster itself. */
export interface OperatorSite {
  readonly cluster: ClusterShape;
  /** The gateway of the site; `undefined` when cluster.yaml gives no SSH access to it. */
  readonly gateway: { readonly address: string; readonly open: () => Promise<Host> } | undefined;
  readonly signal: AbortSignal;
}

/** What a capability keeps right on something of the user's, such as routes on a router. */
export interface Outside {
  /** Completes "set …" and "clear …": `routes on the gateway`. */
  readonly what: string;
  /** Nodes of this side change what is wanted when they join, and why. */
  readonly follows: { readonly side: 'cloud' | 'site'; readonly why: string };
  /** What is missing, wrong or left over, one line each. */
  readonly difference: (kube: Kube) => Promise<readonly string[]>;
  /** What `set` would do, one line each, for a dry run. */
  readonly dryRun: () => readonly string[];
  /** Waits until what is wanted is known, then sets it. */
  readonly set: (kube: Kube) => Promise<void>;
  /** Removes everything of ours, because the cluster is being removed. */
  readonly clear: () => Promise<void>;
}

export interface StatusLook {
  readonly kube: Kube;
  /** Nodes that are in the cluster; whether each is ready as its kubelet says. */
  readonly nodes: readonly { readonly name: string; readonly ready: boolean }[];
  /** Ours to look at, by the capability's own `outside`; `undefined` when there is none. */
  readonly outside: Outside | undefined;
  readonly signal: AbortSignal;
}

export interface CapabilityStatus {
  /** By the node's name. */
  readonly nodes: ReadonlyMap<string, NodeLine>;
  /** What is not as it should be, each with its cure; empty when all is well. */
  readonly problems: readonly string[];
}

export interface NodeLine {
  /** Columns of the table of nodes, by heading. The same headings for every node, in the same order. */
  readonly columns: Readonly<Record<string, string>>;
  /** The same for programs: fields of the node in `status --output json`. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export type ExplainedKind = 'node' | 'pod' | 'service' | 'ingress' | 'pvc';

/** @shape what keeps the object from working, or what it is like, one sentence each; empty when nothing is seen */
export type Explain = (
  kube: Kube,
  at: { readonly name: string; readonly namespace: string },
) => Promise<readonly string[]>;
