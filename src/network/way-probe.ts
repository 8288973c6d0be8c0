import { connect } from 'node:net';
import type { Netlink } from '#host/netlink/netlink.ts';
import { answerFor, type Uplink } from '#host/node-paths.ts';
import { type Ms, seconds } from '#unit/clock.ts';
import { addressAt, type Cidr, contains, formatCidr, type Ip } from '#unit/ip.ts';
import { planWay, type Way, type WaySeen } from './plan-way.ts';

/** Somebody beyond the gateway who answers TCP. */
export interface Peer {
  readonly address: Ip;
  readonly port: number;
}

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

  async look(subnet: Cidr, uplink: Uplink, peers: readonly Peer[]): Promise<Way> {
    const source = addressAt(subnet, 0);
    const [peer] = peers.filter(({ address }) => !contains(uplink.network, address));
    if (source === undefined || peer === undefined) return 'unknown';
    answerFor(this.#host, source);
    const asPod = await answers(peer, source);
    const asNode = asPod || (await answers(peer, uplink.address));
    this.#lost = !asPod && asNode ? this.#lost + 1 : 0;
    this.#judged = asPod || asNode ? { lost: this.#lost, answered: asPod } : this.#judged;
    return planWay(this.#judged, { pods: formatCidr(subnet), node: uplink.address, peer: peer.address });
  }
}

/** Whether a connection is taken or refused within the limit: either tells that packets go there and come back. */
function answers({ address, port }: Peer, from: Ip): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, localAddress: from });
    const end = (came: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(came);
    };
    const timer = setTimeout(() => end(false), limit);
    socket.once('connect', () => end(true));
    socket.once('error', (e: NodeJS.ErrnoException) => end(e.code === 'ECONNREFUSED' || e.code === 'ECONNRESET'));
  });
}

const limit: Ms = seconds(3);
