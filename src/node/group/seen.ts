import type { CloudMachine } from '#cloud/compute.ts';
import type { GroupBounds, GroupMember } from '#kube/api/node-group.ts';
import type { Instant, Ms } from '#unit/clock.ts';

/** What a machine is like and where it stands: the cloud has it or is short of it. */
export type Place = Pick<GroupMember, 'cpu' | 'memory' | 'zone' | 'subnet'>;

/** What there is of the Node of a machine. */
export interface MemberNode {
  readonly ready: boolean;
  /** It has the group's label. */
  readonly labelled: boolean;
  readonly cordoned: boolean;
  /** It is marked as about to be removed. */
  readonly marked: boolean;
  /** Load balancers may still send to it, and what is said of that; `undefined` when none does. */
  readonly sends: string | undefined;
  /** What connections from load balancers have left. */
  readonly connections: Ms;
  readonly since: Instant;
  /** Its pods, where they were looked at: because it leaves, or because one has to be chosen that does. */
  readonly pods: MemberPods | undefined;
}

export interface MemberPods {
  /** So many have to leave before the machine may end. */
  readonly toLeave: number;
  /** Those that say `isthmus.dev/do-not-disrupt`, `namespace/name`. */
  readonly held: readonly string[];
  /** Why some could not be evicted at the last try. */
  readonly refused: readonly string[];
}

/** One recorded machine, and what the cloud, the cluster and this process know of it. */
export interface MemberSeen {
  readonly recorded: GroupMember;
  /** Something is being done about it at this moment. */
  readonly busy: boolean;
  /** It was recorded by this process, which has not asked the cloud for it since: nobody can have. */
  readonly mayAsk: boolean;
  /** Why the cloud did not make it, and until when it is not asked again. */
  readonly refusal: { readonly says: string; readonly until: Instant } | undefined;
  /** When it was last asked for the cloud certainly did not make it: it had none left there. */
  readonly notMade: boolean;
  /** It is so long since the cloud can have been asked for it that its lists have the machine, if it made one. */
  readonly settled: boolean;
  /** `unknown`: the cloud did not say. */
  readonly machine: { readonly id: string; readonly state: CloudMachine['state'] } | 'absent' | 'unknown';
  /** Ids of further machines with our mark and its very name. */
  readonly doubles: readonly string[];
  /** The cloud has said for certain that it does not know the recorded id. */
  readonly gone: boolean;
  readonly node: MemberNode | undefined;
  /** How far its join is, as long as it has not joined. */
  readonly join: { readonly lastProgress: Instant; readonly says: string } | undefined;
  /** This process has removed its join token, or ended its machine. */
  readonly done: { readonly tokens: boolean; readonly machine: boolean };
}

/** One group at one moment. */
export interface GroupSeen {
  readonly at: Instant;
  readonly name: string;
  readonly isDeleted: boolean;
  readonly isHeld: boolean;
  readonly bounds: GroupBounds;
  /** Machines that were named to go first. */
  readonly leaveFirst: readonly string[];
  /** Every shape in every zone, in the order in which they are to be tried. */
  readonly shapes: readonly Pick<Place, 'cpu' | 'memory'>[];
  readonly zones: readonly Pick<Place, 'zone' | 'subnet'>[];
  readonly members: readonly MemberSeen[];
  /** Where the cloud had no machine, until when that is believed, and in which words it said so. */
  readonly shortages: readonly { readonly place: Place; readonly until: Instant; readonly says: string }[];
  /** Since machines did not join again and again no further ones are made before; `undefined`: they may be. */
  readonly pause: { readonly until: Instant; readonly says: string } | undefined;
}

export interface GroupPolicy {
  /** How long a machine that boots may make no progress before it has a Node. */
  readonly untilNode: Ms;
  /** The same until its Node is Ready for the first time. */
  readonly untilReady: Ms;
}
