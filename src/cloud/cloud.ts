import type { Addresses } from './address.ts';
import type { ApplicationBalancers } from './application-balancer.ts';
import type { Balancers } from './balancer.ts';
import type { Certificates } from './certificate.ts';
import type { Compute } from './compute.ts';
import type { Disks, Snapshots } from './disk.ts';
import type { FileShares } from './file-share.ts';
import type { CloudNetwork } from './network.ts';
import type { PublicAddresses } from './public-address.ts';

/** One cloud, one region, one project: what Isthmus asks of it. A provider is finished when the contract suite passes. */
export interface Cloud {
  /** `ucloud`; the scheme of its provider ids. */
  readonly provider: string;
  readonly compute: Compute;
  readonly addresses: Addresses;
  readonly network: CloudNetwork;
  /** Of layer 4. */
  readonly balancers: Balancers;
  /**
   * Of layer 4, which hand packets on as they are: a back end must take those for the balancer's address, and answers the client by itself. Back ends are
   * machines, and their port is the listener's; each is checked on it, at the balancer's address. PROXY protocol is refused (`invalid`).
   */
  readonly directBalancers: Balancers;
  /** Of layer 7. */
  readonly applicationBalancers: ApplicationBalancers;
  readonly certificates: Certificates;
  /** Of balancers of every kind. */
  readonly publicAddresses: PublicAddresses;
  readonly disks: Disks;
  /** Of disks. */
  readonly snapshots: Snapshots;
  readonly fileShares: FileShares;
}
