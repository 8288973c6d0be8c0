import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { openForwardChains } from '#host/forward-filter.ts';
import { keepForwardGuard } from '#host/forward-guard.ts';
import { keepKernelSettings } from '#host/kernel-settings.ts';
import { legacyForwardDrops } from '#host/legacy-iptables.ts';
import { Netlink } from '#host/netlink/netlink.ts';
import { answerArpForPods, guardRanges, keepRoutes, observeUplink, type Route, type Uplink } from '#host/node-paths.ts';
import { keepSourceRoutes } from '#host/source-routes.ts';
import type { PodRangeSpec } from '#kube/api/pod-range.ts';
import { formatCidr, type Ip, parseCidr } from '#unit/ip.ts';
import { BridgedLink, type BridgedLinkOptions } from './bridged/bridged-link.ts';
import { knownSpec } from './bridged/plan-watch.ts';
import { chooseFault, type NetworkFault } from './choose-fault.ts';
import { conflistName, formatConflist, installFile } from './conflist.ts';
import { servableSpec, sourceWishes } from './plan-interfaces.ts';

/** address: the node's own; its interface is the uplink. */
export interface NodeNetworkOptions extends BridgedLinkOptions {
  /** Metadata servers, which pods must not reach. */
  readonly metadata: readonly Ip[];
  /** Folder of CNI configuration. */
  readonly configuration: string;
}

export interface NodeNetworkWish {
  readonly spec: PodRangeSpec | undefined;
  /** Ways to pods of machines that are directly reachable. */
  readonly neighbours: (uplink: Uplink) => readonly Route[];
  /** Pods that may reach the metadata servers. */
  readonly allowed: readonly Ip[];
}

/** The interfaces beside the uplink. */
export interface InterfacesSeen {
  /** Homes whose addresses pods can be given. */
  readonly ready: ReadonlySet<string>;
  /** What is wrong with the others. */
  readonly faults: readonly string[];
}

/** The paths of this node: what pods need of kernel, routes and packet filters, kept right by looking regularly. */
export class NodeNetwork {
  readonly #options: NodeNetworkOptions;
  readonly #host = new Netlink();
  readonly #nft = new Netlink('netfilter');
  /** Without a bridged range it does nothing. */
  readonly bridged: BridgedLink;
  #uplink: Uplink | undefined;
  #interfaces: InterfacesSeen = { ready: new Set(), faults: [] };
  #allowed: readonly Ip[] | undefined;

  constructor(options: NodeNetworkOptions) {
    this.#options = options;
    this.bridged = new BridgedLink(options);
  }

  /** As it was at the last look. */
  get uplink(): Uplink | undefined {
    return this.#uplink;
  }

  /** Likewise. */
  get interfaces(): InterfacesSeen {
    return this.#interfaces;
  }

  get host(): Netlink {
    return this.#host;
  }

  /** Sets right what can be. @shape why pods have no network all the same */
  async tend({ spec, neighbours, allowed }: NodeNetworkWish): Promise<NetworkFault | undefined> {
    const { address, note } = this.#options;
    const uplink = observeUplink(this.#host, address);
    this.#uplink = uplink;
    const subnet = spec?.subnet === undefined ? undefined : parseCidr(spec.subnet);
    guardRanges(this.#host, subnet === undefined ? [] : [subnet]);
    if (spec?.ground === 'cloud' && uplink !== undefined) answerArpForPods(this.#host, uplink);
    if (uplink !== undefined) this.#keepNeighbours(uplink, neighbours(uplink));
    const further = this.#keepInterfaces(spec);
    const bridgedFault = this.bridged.tend(spec);
    const uplinks = [...new Set([uplink?.name, this.bridged.name, ...further])].flatMap((name) => name ?? []);
    const settings = keepKernelSettings(this.#host, uplinks);
    for (const setting of settings) note(setting, 'changing a kernel setting for pods');
    const closed = openForwardChains(this.#nft);
    for (const chain of closed) note(chain, 'opening a chain that drops forwarded packets');
    this.#guard(allowed);
    const { configuration } = this.#options;
    const fault = chooseFault({
      spec: spec && knownSpec(servableSpec(spec, this.#interfaces.ready), this.bridged.watch),
      address,
      uplink,
      bridgedFault,
      settings,
      closed,
      legacyDrops: await legacyForwardDrops(),
      configuration: { folder: configuration, first: await firstConfiguration(configuration), ours: conflistName },
    });
    return fault;
  }

  /** Whether the packet filter opens the metadata servers to these pods and no others. */
  isOpenTo(allowed: readonly Ip[]): boolean {
    return isDeepStrictEqual(this.#allowed, allowed);
  }

  /** As `tend`, of the metadata servers alone: before an address goes to a pod, nobody else's right may stick to it. */
  openTo(allowed: readonly Ip[]): void {
    if (!this.isOpenTo(allowed)) this.#guard(allowed);
  }

  #guard(allowed: readonly Ip[]): void {
    const { metadata, note } = this.#options;
    if (keepForwardGuard(this.#nft, { closed: metadata, allowed }))
      note({ metadata, allowed }, 'closing the metadata servers to pods');
    this.#allowed = allowed;
  }

  /** Makes the node take pods. Never taken away again: without it the runtime could not even stop a pod. */
  async configureRuntime(): Promise<void> {
    const { configuration, note } = this.#options;
    await mkdir(configuration, { recursive: true });
    if (await installFile(configuration, conflistName, Buffer.from(formatConflist()), 0o644))
      note({ configuration: join(configuration, conflistName) }, 'the node takes pods');
  }

  close(): void {
    this.bridged.close();
    this.#host.close();
    this.#nft.close();
  }

  /** @shape names of the links */
  #keepInterfaces(spec: PodRangeSpec | undefined): readonly string[] {
    const { links, added, removed } = keepSourceRoutes(this.#host, sourceWishes(spec));
    if (added.length + removed.length > 0) this.#options.note({ added, removed }, 'rules of further interfaces');
    const seen = (spec?.interfaces ?? []).map(({ home, mac }) => ({ home, link: links.get(mac) }));
    this.#interfaces = {
      ready: new Set(seen.flatMap(({ home, link }) => (link !== undefined && 'name' in link ? home : []))),
      faults: seen.flatMap(({ home, link }) => (link !== undefined && 'fault' in link ? `${home}: ${link.fault}` : [])),
    };
    return [...links.values()].flatMap((link) => ('name' in link ? link.name : []));
  }

  #keepNeighbours(uplink: Uplink, wanted: readonly Route[]): void {
    const { added, removed } = keepRoutes(this.#host, uplink, wanted);
    if (added.length + removed.length > 0)
      this.#options.note({ added: added.map(formatRoute), removed: removed.map(formatRoute) }, 'routes to neighbours');
  }
}

function formatRoute({ destination, via }: Route): string {
  return `${formatCidr(destination)} via ${via}`;
}

/** The one that the runtime takes. @source containernetworking/cni libcni ConfFiles: by name, of these three endings */
async function firstConfiguration(folder: string): Promise<string | undefined> {
  await mkdir(folder, { recursive: true });
  const names = await readdir(folder);
  return names.filter((name) => /\.(conf|conflist|json)$/.test(name)).toSorted()[0];
}
