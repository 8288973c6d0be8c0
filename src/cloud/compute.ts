import type { Bytes } from '#unit/bytes.ts';
import type { Ms } from '#unit/clock.ts';
import type { Ip } from '#unit/ip.ts';
import type { Result } from '#unit/result.ts';
import type { AddressHome } from './address.ts';
import type { CloudFailure } from './failure.ts';
import type { Charge } from './owned.ts';

/** A machine that the cloud runs for us. */
export interface CloudMachine {
  /** The cloud's id, `uhost-…`. */
  readonly id: string;
  /** The name it was asked for under; our key for "the same wish". */
  readonly name: string;
  /** The ownership mark it was made with; `undefined` for a machine of somebody else. */
  readonly mark: string | undefined;
  readonly zone: string;
  readonly state: 'creating' | 'running' | 'stopping' | 'stopped' | 'starting' | 'rebooting' | 'failed' | 'unreadable';
  /** Its primary interface, absent while the cloud has not given one. */
  readonly nic: { readonly mac: string; readonly ip: Ip; readonly subnet: string; readonly vpc: string } | undefined;
  /** Where its further addresses are: the primary interface first, then those that were attached to it. None while `nic` is absent. */
  readonly homes: readonly MachineHome[];
  readonly cpu: number;
  readonly memory: Bytes;
  /**
   * The part of the zone whose disks it reaches, as `cluster` of a disk; absent where it reaches none of those. It changes when the cloud
   * moves the machine.
   */
  readonly diskCluster?: string | undefined;
}

/** One network interface of a machine. Its home keeps its id for as long as the interface lives. */
export interface MachineHome {
  readonly home: AddressHome;
  readonly mac: string;
  /** Its own address, which no pod gets. */
  readonly ip: Ip;
  readonly subnet: string;
  /** How many further addresses it takes in all; `undefined` where the cloud does not tell that before it refuses, and in lists. */
  readonly most: number | undefined;
}

/** Bytes of user data, before any encoding. @source UCloud CreateUHostInstance, parameter UserData */
export const userDataLimit = 16 * 1024;

/** `spot`: cheaper, and the cloud may switch the machine off or take it away at any time. */
export type MachineCharge = Charge | 'spot';

export interface MachineWish {
  /** At most 63 characters of a-z, 0-9 and -. A name made twice under one mark is one machine. */
  readonly name: string;
  readonly mark: string;
  readonly zone: string;
  readonly image: string;
  readonly vpc: string;
  readonly subnet: string;
  readonly cpu: number;
  readonly memory: Bytes;
  readonly bootDisk: Bytes;
  readonly charge: MachineCharge;
  /** Whether further interfaces can be attached to it: a cloud may want to know that before it makes a machine. */
  readonly elastic: boolean;
  /** cloud-init user data in plain text; at most `userDataLimit`. */
  readonly userData: string;
}

/** One changing call of the cloud's API as people may see it: secrets are replaced. */
export interface CloudCall {
  readonly action: string;
  readonly params: Readonly<Record<string, string>>;
}

export type MachineAct =
  | { readonly do: 'create'; readonly wish: MachineWish }
  | { readonly do: 'start' | 'remove'; readonly id: string };

/**
 * Machines of one region and project. Every call takes `within`, the limit of the whole call including its own retries.
 * Calls return when the cloud has accepted; progress is read with `list` and `find`.
 */
export interface Compute {
  /**
   * Asks for one machine. Safe to repeat: a machine with this name and mark is looked for first, and adopted.
   * @shape the machine as first seen, usually `creating`
   * @fails exhausted(machines) · quota · billing · denied · invalid · throttled · unavailable · unknown: it may have been made; asking again looks first
   */
  create(wish: MachineWish, opts: { readonly within: Ms }): Promise<Result<CloudMachine, CloudFailure>>;
  /**
   * All machines that carry the mark, or all of the project without one, sorted by name. Callers make what it lacks and count
   * on what it lacks being gone: a list that came empty or short must not be handed on.
   * @fails denied · throttled · unavailable · unknown: what the cloud told contradicts itself, ask again
   */
  list(mark: string | undefined, opts: { readonly within: Ms }): Promise<Result<readonly CloudMachine[], CloudFailure>>;
  /** The machine with this id, whoever owns it. @fails gone: the cloud does not know the id · as list */
  find(id: string, opts: { readonly within: Ms }): Promise<Result<CloudMachine, CloudFailure>>;
  /** Switches on, or off with its system's help, or off at once, or restarts; one already there is success. @fails gone · state · as list */
  power(
    id: string,
    verb: 'start' | 'stop' | 'off' | 'reboot',
    opts: { readonly within: Ms },
  ): Promise<Result<void, CloudFailure>>;
  /**
   * Ends the machine for good: switched off, waited for, removed with its boot disk. Refuses (`denied`) a machine that does not carry `mark`.
   * @fails gone is success · as list
   */
  remove(id: string, mark: string, opts: { readonly within: Ms }): Promise<Result<void, CloudFailure>>;
  /** The calls that would change something if the act were performed now, in order. Asks nothing and changes nothing. */
  dryRun(act: MachineAct): readonly CloudCall[];
}
