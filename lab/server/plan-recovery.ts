import type { State } from '../ucloud/products.ts';
import { allBalancers } from '../ucloud/ulb/lookup.ts';

export type RecoveryStep =
  | { readonly do: 'install'; readonly machine: string; readonly why: 'has-no-disk' }
  | { readonly do: 'start'; readonly machine: string; readonly why: 'should-run' }
  | { readonly do: 'remove'; readonly machine: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'remove-image'; readonly image: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'give-up-image'; readonly image: string; readonly why: 'has-no-disk' }
  | { readonly do: 'remove-balancer'; readonly balancer: string; readonly why: 'not-in-the-ledger' }
  | { readonly do: 'attach' | 'detach'; readonly machine: string; readonly nic: string }
  | { readonly do: 'give-address' | 'take-address'; readonly machine: string; readonly ip: string }
  | { readonly do: 'warm-up-anew'; readonly machine: string; readonly ip: string; readonly why: 'new-machine' };

export interface WorldSeen {
  readonly withDisk: ReadonlySet<string>;
  readonly on: ReadonlySet<string>;
  readonly attached: ReadonlyMap<string, readonly string[]>;
  readonly images: readonly string[];
  readonly balancers: readonly string[];
  readonly given: ReadonlyMap<string, ReadonlySet<string>>;
}

/**
 * What makes the world as the cloud's ledger says, after the lab's server died or another ledger was loaded. A machine that
 * lost its disk is installed anew from its user data, with the id and the addresses it had; work that the ledger was in the
 * middle of is not planned here, because the cloud takes it up by itself.
 * @shape withDisk: ids of the cloud machines that the world has, on: those whose power is on, attached: further interfaces by
 *         machine, images: custom images that the world has, balancers: those that it has, given: addresses by port
 */
export function planRecovery(
  state: State,
  { withDisk, on, attached, images, balancers, given }: WorldSeen,
): readonly RecoveryStep[] {
  const listed = state.machines.filter(({ destroyed }) => !destroyed);
  const ids = new Set(listed.map(({ id }) => id));
  const atRest = listed.filter(({ life }) => life.job === undefined && life.state !== 'Install Fail');
  const bare = new Set(atRest.filter(({ id }) => !withDisk.has(id)).map(({ id }) => id));
  return [
    ...[...withDisk]
      .filter((machine) => !ids.has(machine))
      .map((machine) => ({ do: 'remove', machine, why: 'not-in-the-ledger' }) as const),
    ...planImages(state, images),
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

/** `attach: uhost-1 uni-1` */
export function explainRecovery(step: RecoveryStep): string {
  const about = Object.entries(step).filter(([name]) => !['do', 'why'].includes(name));
  return `${step.do}: ${about.map(([, id]) => id).join(' ')}`;
}
