/** What `isthmus status` knows of the pod network of one node. */
export interface NodeNetwork {
  readonly name: string;
  /** As its kubelet says. */
  readonly ready: boolean;
  /** What its pods may have: a subnet on the site, or some addresses of the range of bridged machines; a number of addresses in the cloud. */
  readonly pods:
    | {
        readonly subnet: string | undefined;
        readonly bridged: string | undefined;
        readonly inUse: number;
        readonly free: number;
      }
    | undefined;
  /** Whether pods of this node have a working network. */
  readonly network: 'starting' | 'working' | 'unknown';
  /** What its agent and the controller publish as wrong on its PodRange. */
  readonly complaints: readonly string[];
}

export interface NetworkSeen {
  readonly nodes: readonly NodeNetwork[];
  /** What the site's gateway lacks, has wrong or has too much; empty when it is not ours to ask. */
  readonly routes: readonly string[];
}

/** Everything about the pod network that is not as it should be, each with what helps; empty when all is well. */
export function planNetworkProblems({ nodes, routes }: NetworkSeen): readonly string[] {
  return [
    ...nodes.flatMap(({ name, ready, network, complaints }) => {
      if (complaints.length > 0) return complaints.map((complaint) => `node ${name}: ${complaint}`);
      // Why a node is not ready is told by its kubelet already.
      return ready && network !== 'working' ? [`node ${name} has no working pod network yet`] : [];
    }),
    ...routes.map((route) => `site gateway: ${route}; isthmus routes apply sets what is missing`),
  ];
}
