import { knockTcp, type Peer } from '#host/knock-tcp.ts';
import type { Netlink } from '#host/netlink/netlink.ts';
import { answerFor, type Uplink } from '#host/node-paths.ts';
import { addressAt, type Cidr, contains, formatCidr } from '#unit/ip.ts';
import { planWay, type Way, type WaySeen } from './plan-way.ts';

/**
 * Looks whether packets from pods of this node come back from beyond the site's gateway. A machine can't see the gateway's
 * routes, but it can send from an address of its pods' range, its first, which no pod gets, and see whether the answer comes.
 */
export class WayProbe {
  readonly #host: Netlink;
  /** How often in a row pods got no answer while the node itself did. */
  #lost = 0;
  #judged: WaySeen | undefined;

  constructor(host: Netlink) {
    this.#host = host;
  }

  /** @param peers somebody beyond the gateway who answers TCP */
  async look(subnet: Cidr, uplink: Uplink, peers: readonly Peer[]): Promise<Way> {
    const source = addressAt(subnet, 0);
    const [peer] = peers.filter(({ address }) => !contains(uplink.network, address));
    if (source === undefined || peer === undefined) return 'unknown';
    answerFor(this.#host, source);
    const asPod = (await knockTcp(peer, source)) !== 'nothing';
    const asNode = asPod || (await knockTcp(peer, uplink.address)) !== 'nothing';
    this.#lost = !asPod && asNode ? this.#lost + 1 : 0;
    this.#judged = asPod || asNode ? { lost: this.#lost, answered: asPod } : this.#judged;
    return planWay(this.#judged, { pods: formatCidr(subnet), node: uplink.address, peer: peer.address });
  }
}
