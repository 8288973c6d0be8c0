import { isDeepStrictEqual } from 'node:util';
import { announcementOf, answerTo, probeOf } from '#host/arp/frame.ts';
import { addProxy, keepProxies } from '#host/arp/proxies.ts';
import { ArpSocket } from '#host/arp/socket.ts';
import { addressesOf, linksOf } from '#host/netlink/links-and-routes.ts';
import { Netlink } from '#host/netlink/netlink.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { type Ms, ms, type SinceBoot, seconds, sinceBoot } from '#unit/clock.ts';
import { formatSpan, type Ip, ip, numberOf, span, spanLiesIn } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import type { Note } from '../note.ts';
import { type Conflict, clearSpec, conflictsIn, hear, planProbes, type Watch } from './plan-watch.ts';

export interface BridgedLinkOptions {
  /** The node's own address: by it the link is found when the range names none. */
  readonly address: Ip;
  /** The addresses that pods of this node have. */
  readonly held: () => ReadonlySet<Ip>;
  /** Called when other addresses than before can be given to pods, or others are used by somebody else. */
  readonly onChange: () => void;
  readonly note: Note;
}

/**
 * The link by which pods of this node are neighbours of everybody on the site's own network. The machine answers ARP for its pods and for
 * nobody else, tells everybody when an address comes to one of its pods, and watches whether somebody else uses an address of its slice.
 */
export class BridgedLink {
  readonly #options: BridgedLinkOptions;
  readonly #host = new Netlink();
  readonly #timer: NodeJS.Timeout;
  #open: Open | undefined;
  #listed: readonly Ip[] = [];
  #watch: Watch = new Map();
  /** As they were told last. */
  #conflicts: readonly Conflict[] = [];
  #trouble: string | undefined;
  /** When an address is announced a second time. @source RFC 5227 section 1.1 ANNOUNCE_NUM, ANNOUNCE_INTERVAL */
  readonly #announceAgain = new Map<Ip, SinceBoot>();
  /** When an address of a pod was defended last. */
  readonly #defended = new Map<Ip, SinceBoot>();

  constructor(options: BridgedLinkOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#listen(), listenEvery);
  }

  get watch(): Watch {
    return this.#watch;
  }

  get conflicts(): readonly Conflict[] {
    return conflictsIn(this.#watch, this.#options.held());
  }

  /** The name of the link while there is one: it must forward packets. */
  get name(): string | undefined {
    return this.#open?.name;
  }

  /** Keeps link, answers and watch as the range says. @shape why pods have no network by it */
  tend(spec: PodRangeSpec | undefined): string | undefined {
    // As it is: without a range for the moment pods keep what they have.
    if (spec === undefined) return undefined;
    const { bridged, addresses = [] } = spec;
    this.#listed = bridged === undefined ? [] : addresses.map((entry) => ip(entry.ip));
    if (bridged === undefined) {
      this.#shut();
      keepProxies(this.#host, undefined, []);
      return undefined;
    }
    const seen = this.#find(bridged);
    if ('fault' in seen) {
      this.#shut();
      return seen.fault;
    }
    // After trouble it is opened anew.
    const isOpen = this.#open?.index === seen.index && this.#open.mac === seen.mac && this.#trouble === undefined;
    try {
      this.#keepAnswers(seen);
      if (!isOpen) this.#openAt(seen);
    } catch (e) {
      this.#trouble = messageOf(e);
    }
    return this.#trouble;
  }

  /** An address has come to a pod: from now on the machine answers for it, and whoever knew another owner learns it. */
  arrived(address: Ip): void {
    const open = this.#open;
    if (open === undefined || !this.#listed.includes(address)) return;
    this.#try(open, () => {
      addProxy(this.#host, open, address);
      this.#announce(open, address);
    });
  }

  /** The range without the addresses that may be somebody else's. */
  servable(spec: PodRangeSpec): PodRangeSpec {
    return clearSpec(spec, this.#watch);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#shut();
    this.#host.close();
  }

  #find({ interface: name, pods }: NonNullable<PodRangeSpec['bridged']>): Place | { readonly fault: string } {
    const addresses = addressesOf(this.#host);
    const own = addresses.find(({ address }) => address === this.#options.address);
    const link = linksOf(this.#host).find((one) => (name === undefined ? one.index === own?.link : one.name === name));
    if (link === undefined)
      return { fault: `this machine has no interface ${name ?? `with its address ${this.#options.address}`}` };
    const range = span(pods);
    const isNear = addresses
      .filter((one) => one.link === link.index)
      .some(({ address, bits }) => {
        const size = 2 ** (32 - bits);
        const first = numberOf(address) - (numberOf(address) % size);
        return spanLiesIn(range, { first, last: first + size - 1 });
      });
    if (isNear) return { index: link.index, name: link.name, mac: link.mac };
    return {
      fault: `interface ${link.name} has no address in the network of ${formatSpan(range)}, so pods cannot have addresses of it`,
    };
  }

  #openAt(place: Place): void {
    this.#shut();
    this.#open = { ...place, socket: new ArpSocket(place) };
    this.#trouble = undefined;
    this.#options.note({ interface: place.name, mac: place.mac }, 'answering for pods on the site network');
    // Nobody knows what was heard of them: of an earlier life of this machine, or of another card.
    for (const address of this.#heldHere()) this.#announce(this.#open, address);
  }

  #shut(): void {
    this.#open?.socket.close();
    this.#open = undefined;
    this.#watch = new Map();
    this.#trouble = undefined;
    this.#announceAgain.clear();
  }

  #keepAnswers(place: Place): void {
    const { added, removed } = keepProxies(this.#host, place, this.#heldHere());
    if (added.length + removed.length > 0) this.#options.note({ added, removed }, 'addresses that ARP is answered for');
  }

  #heldHere(): readonly Ip[] {
    const held = this.#options.held();
    return this.#listed.filter((address) => held.has(address));
  }

  /** Takes what was heard, and sends what is due. */
  #listen(): void {
    const open = this.#open;
    if (open === undefined || this.#trouble !== undefined) return;
    const before = told(this.#watch);
    this.#try(open, () => {
      for (const packet of open.socket.received()) this.#take(open, packet);
      const at = sinceBoot();
      const { watch, probe } = planProbes(this.#watch, { listed: this.#listed, held: this.#options.held(), at });
      this.#watch = watch;
      for (const address of probe) open.socket.send(probeOf(address, open.mac));
      for (const [address, due] of this.#announceAgain) if (due <= at) this.#announce(open, address, 'last');
    });
    if (isDeepStrictEqual(before, told(this.#watch))) return;
    const conflicts = this.conflicts;
    if (!isDeepStrictEqual(conflicts, this.#conflicts))
      this.#options.note({ interface: open.name, conflicts }, 'addresses of pods that another machine uses');
    this.#conflicts = conflicts;
    this.#options.onChange();
  }

  /** A link that is down or gone for the moment ends nothing: the next look opens it anew and announces all addresses. */
  #try({ name }: Open, act: () => void): void {
    try {
      act();
    } catch (e) {
      this.#trouble = messageOf(e);
      this.#options.note({ interface: name, fault: this.#trouble }, 'ARP on the site network');
    }
  }

  #take(open: Open, packet: Parameters<typeof hear>[1]): void {
    const at = sinceBoot();
    const { watch, does } = hear(this.#watch, packet, { held: this.#options.held(), at, own: open.mac });
    this.#watch = watch;
    if (does === 'answer') open.socket.send(answerTo(packet, open.mac));
    if (does !== 'defend') return;
    const address = packet.from.ip;
    if (at - (this.#defended.get(address) ?? Number.NEGATIVE_INFINITY) < defendEvery) return;
    this.#defended.set(address, at);
    open.socket.send(announcementOf(address, open.mac));
  }

  #announce({ socket, mac }: Open, address: Ip, which: 'first' | 'last' = 'first'): void {
    socket.send(announcementOf(address, mac));
    if (which === 'last') this.#announceAgain.delete(address);
    else this.#announceAgain.set(address, (sinceBoot() + seconds(2)) as SinceBoot);
  }
}

interface Place {
  readonly index: number;
  readonly name: string;
  readonly mac: string;
}

interface Open extends Place {
  readonly socket: ArpSocket;
}

/** What others have to know of it. */
function told(watch: Watch): readonly (readonly [Ip, boolean, string | undefined])[] {
  return [...watch].map(([address, { clear, foreign }]) => [address, clear, foreign] as const);
}

/** Within this time a probe of somebody else is answered. */
const listenEvery: Ms = ms(100);
/** @source RFC 5227 section 1.1 DEFEND_INTERVAL: two hosts that both defend must not flood the link */
const defendEvery = seconds(10);
