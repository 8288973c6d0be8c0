import { EAGAIN, ENETDOWN, NetlinkError } from '../netlink/error.ts';
import { errno, sys } from '../netlink/libc.ts';
import type { LinkSeen } from '../netlink/links-and-routes.ts';
import { type ArpPacket, parseArp } from './frame.ts';

/**
 * Sends and hears ARP on one link of the namespace in which it was opened. It never waits: what came since the last look is kept by the
 * kernel, some hundred packets, and what came beyond that is lost.
 */
export class ArpSocket {
  readonly #fd: number;
  readonly #in = Buffer.alloc(2048);
  readonly #link: Pick<LinkSeen, 'index' | 'name'>;

  /** @fails NetlinkError */
  constructor(link: Pick<LinkSeen, 'index' | 'name'>) {
    this.#link = link;
    // Of no protocol until it is bound: before that it would hear all links.
    this.#fd = sys.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    if (this.#fd < 0) throw new NetlinkError('opening a packet socket', errno());
    const address = placeOf(link.index);
    if (sys.bind(this.#fd, address, address.length) >= 0) return;
    const why = errno();
    this.close();
    throw new NetlinkError(`listening for ARP on ${link.name}`, why);
  }

  /** @fails NetlinkError */
  send(frame: Buffer): void {
    if (sys.send(this.#fd, frame, frame.length, 0) < 0)
      throw new NetlinkError(`sending ARP on ${this.#link.name}`, errno());
  }

  /** What others have sent since the last time, in its order; nothing while the link is down. @fails NetlinkError */
  received(): readonly ArpPacket[] {
    const packets: ArpPacket[] = [];
    // A link may be flooded: the rest is for the next look.
    for (let count = 0; count < mostAtOnce; count++) {
      const n = sys.recv(this.#fd, this.#in, this.#in.length, MSG_DONTWAIT);
      if (n < 0) {
        const why = errno();
        if (why === EAGAIN || why === ENETDOWN) break;
        throw new NetlinkError(`hearing ARP on ${this.#link.name}`, why);
      }
      const packet = parseArp(Buffer.from(this.#in.subarray(0, n)));
      if (packet !== undefined) packets.push(packet);
    }
    return packets;
  }

  close(): void {
    sys.close(this.#fd);
  }
}

const mostAtOnce = 500;

/** struct sockaddr_ll of one link and one protocol. */
function placeOf(index: number): Buffer {
  const bytes = Buffer.alloc(20);
  bytes.writeUInt16LE(AF_PACKET, 0);
  bytes.writeUInt16BE(ETH_P_ARP, 2);
  bytes.writeInt32LE(index, 4);
  return bytes;
}

// From linux/if_packet.h, linux/if_ether.h and linux/socket.h.
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const ETH_P_ARP = 0x0806;
const MSG_DONTWAIT = 0x40;
