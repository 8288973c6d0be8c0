import { type Ms, seconds } from '#unit/clock.ts';
import type { Cloud } from '../cloud.ts';
import { ucloudAddresses } from './address.ts';
import { ucloudApplicationBalancers } from './application-balancer.ts';
import { ucloudBalancers } from './balancer.ts';
import { ucloudCertificates } from './certificate.ts';
import { ucloudCompute } from './compute.ts';
import { ucloudDirectBalancers } from './direct-balancer.ts';
import { ucloudDisks, ucloudSnapshots } from './disk.ts';
import { ucloudFileShares } from './file-share.ts';
import { ucloudNetwork } from './network.ts';
import { ucloudPublicAddresses } from './public-address.ts';
import { type CallNote, connectWire } from './wire/transport.ts';

export type { CallNote } from './wire/transport.ts';

/**
 * One region and project of UCloud. Opens nothing until it is asked, and keeps no connection that would hold a process.
 * @unit poll: pause between two looks at a machine that is on its way, 2 s if left out; pause: before a failed call is sent
 *       again, doubled before each further attempt, 200 ms if left out
 * @fails RangeError for an endpoint that is no address of an API
 * @source UCloud API reference; waiting times of terraform-provider-ucloud
 * @example connectUcloud({ endpoint: 'https://api.ucloud.cn', region: 'cn-bj2', zone: 'cn-bj2-05', project: 'org-abc', publicKey, privateKey })
 */
export function connectUcloud(options: {
  readonly endpoint: string;
  readonly region: string;
  /** For machines and disks whose own answer names no zone. */
  readonly zone: string;
  readonly project: string;
  readonly publicKey: string;
  readonly privateKey: string;
  readonly note?: ((call: CallNote) => void) | undefined;
  readonly poll?: Ms | undefined;
  readonly pause?: Ms | undefined;
}): Cloud {
  const wire = connectWire(options);
  const poll = options.poll ?? seconds(2);
  const at = { wire, zone: options.zone, poll };
  return {
    provider: 'ucloud',
    compute: ucloudCompute(at),
    addresses: ucloudAddresses(wire, poll),
    network: ucloudNetwork(wire),
    balancers: ucloudBalancers(wire, poll),
    directBalancers: ucloudDirectBalancers(wire, poll),
    applicationBalancers: ucloudApplicationBalancers(wire, poll),
    certificates: ucloudCertificates(wire, poll),
    publicAddresses: ucloudPublicAddresses(wire, options.region, poll),
    disks: ucloudDisks(at),
    snapshots: ucloudSnapshots(at),
    fileShares: ucloudFileShares(wire, poll),
  };
}
