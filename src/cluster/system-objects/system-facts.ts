import type { Capability } from '#capability/capability.ts';
import type { CloudKeys } from '#cloud/provider.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { ClusterConfig } from '../config/config.ts';

/** What the objects are made from, beside the configuration. */
export interface SystemFacts {
  readonly config: ClusterConfig;
  readonly capabilities: readonly Capability[];
  readonly bundle: Bundle;
  readonly keys: CloudKeys;
  /** CIDRs of the VPC, as text. */
  readonly vpcRanges: readonly string[];
  /** Where the API server answers. */
  readonly api: { readonly address: string; readonly port: number };
  /** Bytes. */
  readonly mtu: number;
  /** Where machines of the cloud read their metadata. */
  readonly metadata: readonly string[];
  /** How many ports one load balancer of the cloud answers. */
  readonly mostPorts: number;
  readonly mostDisks: number;
}
