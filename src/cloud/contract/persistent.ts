import { minutes, ms, sleep, WaitedTooLong } from '#unit/clock.ts';
import { byNumber, type Ip } from '#unit/ip.ts';
import { ok } from '#unit/result.ts';
import type { Addresses, AddressHome } from '../address.ts';
import type { ApplicationBalancers } from '../application-balancer.ts';
import { type BackEnd, type BalancersOf, backEndKey, type CloudBackEnd } from '../balancer.ts';
import type { Certificates } from '../certificate.ts';
import type { Cloud } from '../cloud.ts';
import type { Disks, Snapshots } from '../disk.ts';
import { type CloudFailure, type CloudResult, explainFailure } from '../failure.ts';
import type { FileShares } from '../file-share.ts';
import type { Within } from '../owned.ts';
import type { PublicAddresses } from '../public-address.ts';
import { retryAdvice } from '../retry-advice.ts';

const patience = minutes(2);
const pause = ms(10);

/**
 * The caller that the contract asks for: what was not done is asked for again, what nobody knows of is looked at first, and
 * only a failure that time does not heal is handed on.
 * @fails WaitedTooLong when the cloud stays in trouble for two minutes
 */
export function persistent(cloud: Cloud): Cloud {
  const { provider, compute, addresses, network } = cloud;
  return {
    provider,
    compute: {
      // Looks first by itself, and so do a verb and a removal: all three may be asked again after `unknown`.
      create: (wish, opts) => persist(`creating ${wish.name}`, () => compute.create(wish, opts)),
      power: (id, verb, opts) => persist(`power ${verb} of ${id}`, () => compute.power(id, verb, opts)),
      remove: (id, mark, opts) => persist(`removing ${id}`, () => compute.remove(id, mark, opts)),
      list: (mark, opts) => persist('listing machines', () => compute.list(mark, opts)),
      find: (id, opts) => persist(`finding ${id}`, () => compute.find(id, opts)),
      dryRun: (act) => compute.dryRun(act),
    },
    addresses: {
      settle: addresses.settle,
      extend: (home, count, opts) => extendTo(addresses, home, count, opts),
      release: (home, address, opts) => persist(`releasing ${address}`, () => addresses.release(home, address, opts)),
      list: (home, opts) => persist('listing addresses', () => addresses.list(home, opts)),
    },
    network: {
      mtu: network.mtu,
      metadata: network.metadata,
      vpc: (id, opts) => persist(`reading ${id}`, () => network.vpc(id, opts)),
      subnet: (id, opts) => persist(`reading ${id}`, () => network.subnet(id, opts)),
      inbound: (machines, opts) => persist('reading what machines let in', () => network.inbound(machines, opts)),
      image: (id, zone, opts) => persist(`reading ${id}`, () => network.image(id, zone, opts)),
    },
    balancers: persistentBalancers(cloud.balancers),
    directBalancers: persistentBalancers(cloud.directBalancers),
    applicationBalancers: persistentApplicationBalancers(cloud.applicationBalancers),
    certificates: persistentCertificates(cloud.certificates),
    publicAddresses: persistentPublicAddresses(cloud.publicAddresses),
    disks: persistentDisks(cloud.disks),
    snapshots: persistentSnapshots(cloud.snapshots),
    fileShares: persistentFileShares(cloud.fileShares),
  };
}

/** All of it looks first by itself. */
function persistentDisks(disks: Disks): Disks {
  return {
    ...disks,
    create: (wish, opts) => persist(`creating a disk of ${wish.owner}`, () => disks.create(wish, opts)),
    list: (mark, opts) => persist('listing disks', () => disks.list(mark, opts)),
    find: (id, opts) => persist(`finding ${id}`, () => disks.find(id, opts)),
    attachable: (machine, opts) => persist(`asking what ${machine} takes`, () => disks.attachable(machine, opts)),
    attach: (id, machine, opts) => persist(`attaching ${id}`, () => disks.attach(id, machine, opts), isTaken),
    detach: (id, machine, opts) => persist(`detaching ${id}`, () => disks.detach(id, machine, opts)),
    grow: (id, to, opts) => persist(`growing ${id}`, () => disks.grow(id, to, opts)),
    remove: (id, mark, opts) => persist(`removing ${id}`, () => disks.remove(id, mark, opts), isTaken),
  };
}

function persistentSnapshots(snapshots: Snapshots): Snapshots {
  return {
    create: (wish, opts) => persist(`taking a snapshot of ${wish.disk}`, () => snapshots.create(wish, opts)),
    list: (mark, opts) => persist('listing snapshots', () => snapshots.list(mark, opts)),
    find: (id, opts) => persist(`finding ${id}`, () => snapshots.find(id, opts)),
    remove: (id, mark, opts) => persist(`removing ${id}`, () => snapshots.remove(id, mark, opts)),
  };
}

function persistentFileShares(shares: FileShares): FileShares {
  return {
    ...shares,
    create: (wish, opts) => persist(`creating ${wish.name}`, () => shares.create(wish, opts)),
    list: (mark, opts) => persist('listing file shares', () => shares.list(mark, opts)),
    find: (id, opts) => persist(`finding ${id}`, () => shares.find(id, opts)),
    grow: (id, to, opts) => persist(`growing ${id}`, () => shares.grow(id, to, opts)),
    remove: (id, mark, opts) => persist(`removing ${id}`, () => shares.remove(id, mark, opts)),
    mountPoints: (id, opts) => persist(`listing mount points of ${id}`, () => shares.mountPoints(id, opts)),
    open: (id, wish, opts) => persist(`opening ${id} to ${wish.subnet}`, () => shares.open(id, wish, opts)),
    close: (id, place, opts) => persist(`closing ${id} to ${place.subnet}`, () => shares.close(id, place, opts)),
  };
}

/** All that makes something looks first by itself, and the rest may be done twice. */
function persistentBalancers<W extends { readonly port: number }, L extends BackEndsSeen>(
  balancers: BalancersOf<W, L>,
): BalancersOf<W, L> {
  const { most, lag } = balancers;
  return {
    most,
    lag,
    create: (wish, opts) => persist(`creating ${wish.name}`, () => balancers.create(wish, opts)),
    list: (mark, opts) => persist('listing balancers', () => balancers.list(mark, opts)),
    find: (id, opts) => persist(`finding ${id}`, () => balancers.find(id, opts)),
    remove: (id, mark, opts) => persist(`removing ${id}`, () => balancers.remove(id, mark, opts)),
    listen: (id, wish, opts) =>
      persist(`opening ${wish.port} of ${id}`, () => balancers.listen(id, wish, opts), isTaken),
    change: (id, one, wish, opts) => persist(`changing ${one}`, () => balancers.change(id, one, wish, opts)),
    unlisten: (id, one, opts) => persist(`closing ${one}`, () => balancers.unlisten(id, one, opts)),
    add: (id, one, backEnds, opts) => addTo(balancers, id, one, backEnds, opts),
    drop: (id, one, ids, opts) => persist(`dropping from ${one}`, () => balancers.drop(id, one, ids, opts)),
  };
}

function persistentApplicationBalancers(balancers: ApplicationBalancers): ApplicationBalancers {
  const { most, can } = balancers;
  return {
    ...persistentBalancers(balancers),
    most,
    can,
    route: (id, one, wish, opts) => persist(`making a rule in ${one}`, () => balancers.route(id, one, wish, opts)),
    reroute: (id, one, rule, wish, opts) =>
      persist(`changing ${rule}`, () => balancers.reroute(id, one, rule, wish, opts)),
    unroute: (id, one, rule, opts) => persist(`removing ${rule}`, () => balancers.unroute(id, one, rule, opts)),
  };
}

function persistentCertificates(provider: Certificates): Certificates {
  return {
    keep: (wish, opts) => persist(`keeping a certificate of ${wish.owner}`, () => provider.keep(wish, opts)),
    list: (mark, opts) => persist('listing certificates', () => provider.list(mark, opts)),
    remove: (id, mark, opts) => persist(`removing ${id}`, () => provider.remove(id, mark, opts), isTaken),
  };
}

interface BackEndsSeen {
  readonly id: string;
  readonly backEnds: readonly CloudBackEnd[];
}

function persistentPublicAddresses(provider: PublicAddresses): PublicAddresses {
  return {
    allocate: (wish, opts) => persist(`allocating ${wish.name}`, () => provider.allocate(wish, opts)),
    list: (mark, opts) => persist('listing public addresses', () => provider.list(mark, opts)),
    bind: (address, id, opts) => persist(`binding ${address}`, () => provider.bind(address, id, opts), isTaken),
    resize: (address, mbps, opts) => persist(`resizing ${address}`, () => provider.resize(address, mbps, opts)),
    release: (address, mark, opts) => persist(`releasing ${address}`, () => provider.release(address, mark, opts)),
  };
}

/** Somebody else has it, and keeps it. */
function isTaken(failure: CloudFailure): boolean {
  return failure.kind === 'inUse' || isFinal(failure);
}

/** What may have been added is looked at before more is asked for. */
async function addTo<L extends BackEndsSeen>(
  balancers: BalancersOf<never, L>,
  id: string,
  listener: string,
  backEnds: readonly BackEnd[],
  opts: Within,
): Promise<CloudResult<readonly CloudBackEnd[]>> {
  const again = pauses(`adding to ${listener}`);
  for (let missing = backEnds; ; ) {
    const added = await balancers.add(id, listener, missing, opts);
    if (added.ok && missing === backEnds) return added;
    if (!added.ok && isFinal(added.failure)) return added;
    await again(added.ok ? undefined : added.failure);
    const seen = await persist(`finding ${id}`, () => balancers.find(id, opts));
    if (!seen.ok) return seen;
    const shown = seen.value.listeners.find((one) => one.id === listener)?.backEnds ?? [];
    const has = new Map(shown.map((one) => [backEndKey(one), one]));
    missing = backEnds.filter((one) => !has.has(backEndKey(one)));
    // As they were asked for, whatever order the cloud shows them in.
    if (missing.length === 0) return ok(backEnds.flatMap((one) => has.get(backEndKey(one)) ?? []));
  }
}

async function persist<T>(
  doing: string,
  ask: () => Promise<CloudResult<T>>,
  isLast: (failure: CloudFailure) => boolean = isFinal,
): Promise<CloudResult<T>> {
  const again = pauses(doing);
  for (;;) {
    const answer = await ask();
    if (answer.ok || isLast(answer.failure)) return answer;
    await again(answer.failure);
  }
}

/** No token exists for addresses: how many are still to be asked for is known by looking, before each request. */
async function extendTo(
  addresses: Addresses,
  home: AddressHome,
  count: number,
  opts: Parameters<Addresses['extend']>[2],
): Promise<CloudResult<readonly Ip[]>> {
  const look = () => persist('listing addresses', () => addresses.list(home, opts));
  const again = pauses(`extending ${home.id}`);
  const before = await look();
  if (!before.ok) return before;
  for (;;) {
    const now = await look();
    if (!now.ok) return now;
    const given = now.value.filter((ip) => !before.value.includes(ip));
    if (given.length >= count) return ok(given);
    const more = await addresses.extend(home, count - given.length, opts);
    if (more.ok && given.length + more.value.length >= count) return ok([...given, ...more.value].sort(byNumber));
    if (!more.ok && isFinal(more.failure)) return given.length > 0 ? ok(given) : more;
    await again(more.ok ? undefined : more.failure);
  }
}

function isFinal(failure: CloudFailure): boolean {
  return retryAdvice(failure) === 'when-the-world-changes';
}

/** A pause before the next attempt, until patience ends. @shape called without a failure: the last attempt gave a part */
function pauses(doing: string): (failure: CloudFailure | undefined) => Promise<void> {
  const end = performance.now() + patience;
  return async (failure) => {
    if (performance.now() > end)
      throw new WaitedTooLong(doing, patience, failure === undefined ? 'a part' : explainFailure(failure));
    await sleep(pause);
  };
}
