import type { Compute } from '#cloud/compute.ts';
import type { Events } from '#kube/events.ts';
import type { Kube, WatchCache } from '#kube/kube.ts';
import type { NodeObject } from '#kube/resources.ts';
import type { Instant, Ms } from '#unit/clock.ts';
import type { JoinPlace } from './join-user-data.ts';
import type { GroupPolicy, Place } from './seen.ts';

export interface GroupOptions {
  readonly kube: Kube;
  readonly compute: Compute;
  /** Of all Nodes. */
  readonly nodes: Pick<WatchCache<NodeObject>, 'get' | 'list'>;
  /** All machines with our mark, in one look for all groups. */
  readonly listMachines: () => ReturnType<Compute['list']>;
  readonly events: Pick<Events, 'tell'>;
  /** The ownership mark of this cluster. */
  readonly mark: string;
  readonly vpc: string;
  /** Where machines are made when a group names no zones. */
  readonly home: Pick<Place, 'zone' | 'subnet'>;
  readonly join: JoinPlace;
  readonly policy: GroupPolicy;
  /** How long a machine that the cloud was asked for may be missing in its lists. */
  readonly settle: Ms;
  /** Between two answers that a machine is gone, before that is believed. */
  readonly apart: Ms;
  /** How long a cloud that had no machine left is not asked for the same again. */
  readonly shortFor: Ms;
  readonly clock: () => Instant;
  readonly note: (facts: object, doing: string) => void;
  /** Asks for a group to be tended again: something that was done for it has ended. */
  readonly wake: (group: string) => void;
}
