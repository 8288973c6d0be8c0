import type { State } from '../ucloud/products.ts';
import { allBalancers } from '../ucloud/ulb/lookup.ts';

export type RecoveryStep =
  | { readonly do: 'install'; readonly machine: string; readonly why: 'has-no-disk' }
  | { readonly do: 'start'; readonly machine: string; readonly why: 'should-run' }
  | { readonly do: 'remove'; readonly machine: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'remove-image'; readonly image: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'give-up-image'; readonly image: string; readonly why: 'has-no-disk' }
  | { readonly do: 'remove-balancer'; readonly balancer: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'remove-disk'; readonly disk: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'give-up-disk'; readonly disk: string; readonly why: 'has-no-bytes' }
  | { readonly do: 'remove-snapshot'; readonly snapshot: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'give-up-snapshot'; readonly snapshot: string; readonly why: 'has-no-bytes' }
  | { readonly do: 'plug-disk'; readonly machine: string; readonly disk: string; readonly device: string }
  | { readonly do: 'unplug-disk'; readonly machine: string; readonly disk: string }
  | { readonly do: 'remove-share'; readonly share: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'open-mount-point' | 'close-mount-point'; readonly share: string; readonly ip: string }
  | { readonly do: 'attach' | 'detach'; readonly machine: string; readonly nic: string }
  | { readonly do: 'give-address' | 'take-address'; readonly machine: string; readonly ip: string }
  | { readonly do: 'warm-up-anew'; readonly machine: string; readonly ip: string; readonly why: 'new-machine' };

export interface WorldSeen {
  readonly withDisk: ReadonlySet<string>;
  readonly on: ReadonlySet<string>;
  readonly attached: ReadonlyMap<string, readonly string[]>;
  readonly images: readonly string[];
  readonly disks: readonly string[];
  readonly snapshots: readonly string[];
  readonly plugged: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly shares: readonly string[];
  readonly mountPoints: ReadonlyMap<string, string>;
  readonly balancers: readonly string[];
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * What makes the world as the cloud's ledger says, after the lab's server died or another ledger was loaded. A machine that
 * lost its disk is installed anew from its user data, with the id and the addresses it had; work that the ledger was in the
 * middle of is not planned here, because the cloud takes it up by itself.
 * @shape withDisk: ids of the cloud machines that the world has, on: those whose power is on, attached: further interfaces by
 *         machine, images: custom images that the world has, disks and snapshots: those with bytes, plugged: device names of disks
 *         by machine, shares: file systems, mountPoints: theirs by address, balancers: those that it has, given: addresses by port
 */
export function planRecovery(state: State, seen: WorldSeen): readonly RecoveryStep[] {
  const { withDisk, on, attached, images, balancers, given } = seen;
  const listed = state.machines.filter(({ destroyed }) => !destroyed);
  const ids = new Set(listed.map(({ id }) => id));
  const atRest = listed.filter(({ life }) => life.job === undefined && life.state !== 'Install Fail');
  const bare = new Set(atRest.filter(({ id }) => !withDisk.has(id)).map(({ id }) => id));
  return [
    ...[...withDisk]
      .filter((machine) => !ids.has(machine))
      .map((machine) => ({ do: 'remove', machine, why: 'not-in-the-ledger' }) as const),
    ...planImages(state, images),
    ...planDisks(state, seen),
    ...planShares(state, seen),
    // The others go on meanwhile; the cloud shapes them by itself.
    ...balancers
      .filter((balancer) => !allBalancers(state).some(({ id }) => id === balancer))
      .map((balancer) => ({ do: 'remove-balancer', balancer, why: 'not-in-the-ledger' }) as const),
    ...planInterfaces(state, attached),
    ...planTaking(state, given),
    ...state.addresses.flatMap(({ heldBy, ip }): RecoveryStep[] => {
      if (heldBy === undefined) return [];
      return bare.has(heldBy)
        ? [{ do: 'warm-up-anew', machine: heldBy, ip, why: 'new-machine' }]
        : [{ do: 'give-address', machine: heldBy, ip }];
    }),
    ...[...bare].map((machine) => ({ do: 'install', machine, why: 'has-no-disk' }) as const),
    ...atRest
      .filter(({ id, life }) => life.state === 'Running' && !bare.has(id) && !on.has(id))
      .map(({ id }) => ({ do: 'start', machine: id, why: 'should-run' }) as const),
  ];
}

/** What the VPC carries for a port and should not; before anything is given, for it may be another port's by now. */
function planTaking({ addresses }: State, given: WorldSeen['given']): readonly RecoveryStep[] {
  return [...given].flatMap(([machine, ips]) =>
    [...ips]
      .filter((ip) => !addresses.some((one) => one.ip === ip && one.heldBy === machine))
      .map((ip) => ({ do: 'take-address', machine, ip }) as const),
  );
}

/** Out before in: an interface may have changed its machine. */
function planInterfaces(state: State, attached: WorldSeen['attached']): readonly RecoveryStep[] {
  const wanted = state.interfaces.filter(({ at }) => at === 'attached' || at === 'detaching');
  const isWanted = (nic: string, machine: string) => wanted.some((one) => one.id === nic && one.machine === machine);
  return [
    ...[...attached].flatMap(([machine, nics]) =>
      nics.filter((nic) => !isWanted(nic, machine)).map((nic) => ({ do: 'detach', machine, nic }) as const),
    ),
    ...wanted.flatMap(({ id, machine }) =>
      machine === undefined || attached.get(machine)?.includes(id) ? [] : [{ do: 'attach', machine, nic: id } as const],
    ),
  ];
}

function planImages({ images }: State, seen: readonly string[]): readonly RecoveryStep[] {
  const known = images.map(({ id }) => id);
  const lost = images.filter(({ id, madeOf, at }) => madeOf !== undefined && at === 'Available' && !seen.includes(id));
  return [
    ...seen
      .filter((image) => !known.includes(image))
      .map((image) => ({ do: 'remove-image', image, why: 'not-in-the-ledger' }) as const),
    ...lost.map(({ id }) => ({ do: 'give-up-image', image: id, why: 'has-no-disk' }) as const),
  ];
}

/** Out before in, and both before anything is removed: a disk may have changed its machine. */
function planDisks({ udisks, snapshots }: State, seen: WorldSeen): readonly RecoveryStep[] {
  const lost = new Set(
    udisks.filter(({ id, at }) => at !== 'making' && at !== 'failed' && !seen.disks.includes(id)).map(({ id }) => id),
  );
  const wanted = udisks
    .filter(({ id }) => !lost.has(id))
    .flatMap(({ id, attachments }) =>
      attachments
        .filter(({ at }) => at !== 'attaching')
        .map(({ machine, shownAs }) => ({ machine, disk: id, device: shownAs })),
    );
  return [
    ...[...seen.plugged].flatMap(([machine, disks]) =>
      [...disks.keys()]
        .filter((disk) => !wanted.some((one) => one.machine === machine && one.disk === disk))
        .map((disk) => ({ do: 'unplug-disk', machine, disk }) as const),
    ),
    ...wanted
      .filter(({ machine, disk }) => !seen.plugged.get(machine)?.has(disk))
      .map((one) => ({ do: 'plug-disk', ...one }) as const),
    ...[...lost].map((disk) => ({ do: 'give-up-disk', disk, why: 'has-no-bytes' }) as const),
    ...snapshots
      .filter(({ id, at }) => at === 'Normal' && !seen.snapshots.includes(id))
      .map(({ id }) => ({ do: 'give-up-snapshot', snapshot: id, why: 'has-no-bytes' }) as const),
    ...seen.disks
      .filter((disk) => !udisks.some(({ id }) => id === disk))
      .map((disk) => ({ do: 'remove-disk', disk, why: 'not-in-the-ledger' }) as const),
    ...seen.snapshots
      .filter((snapshot) => !snapshots.some(({ id }) => id === snapshot))
      .map((snapshot) => ({ do: 'remove-snapshot', snapshot, why: 'not-in-the-ledger' }) as const),
  ];
}

function planShares({ shares }: State, seen: WorldSeen): readonly RecoveryStep[] {
  const wanted = shares.flatMap(({ id, mountPoints }) =>
    mountPoints.filter(({ at }) => at !== 'opening').map(({ ip }) => ({ share: id, ip })),
  );
  return [
    ...[...seen.mountPoints]
      .filter(([ip, share]) => !wanted.some((one) => one.ip === ip && one.share === share))
      .map(([ip, share]) => ({ do: 'close-mount-point', share, ip }) as const),
    ...wanted
      .filter(({ share, ip }) => seen.mountPoints.get(ip) !== share)
      .map((one) => ({ do: 'open-mount-point', ...one }) as const),
    ...seen.shares
      .filter((share) => !shares.some(({ id }) => id === share))
      .map((share) => ({ do: 'remove-share', share, why: 'not-in-the-ledger' }) as const),
  ];
}

/** `attach: uhost-1 uni-1` */
export function explainRecovery(step: RecoveryStep): string {
  const about = Object.entries(step).filter(([name]) => !['do', 'why'].includes(name));
  return `${step.do}: ${about.map(([, id]) => id).join(' ')}`;
}
