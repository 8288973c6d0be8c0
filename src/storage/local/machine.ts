import type { MachineStorage } from '#capability/capability.ts';
import type { Inside } from '#host/inside.ts';

/** The machine whose folders and disks are given to volumes, and what is told about it. */
export interface Machine {
  readonly inside: Inside;
  /** The name of its Node. */
  readonly node: string;
  /** What cluster.yaml gives to volumes now. */
  readonly given: () => Promise<MachineStorage>;
  /** Told before each change that is made: the trail of a volume in the log, also after a crash. */
  readonly before: (volume: string, step: Step) => void;
  /** Told of what a person should know and no caller hears. */
  readonly tell: (fault: string) => void;
}

/** Every change that is made for a volume, in the order in which a life has them. Killed before any of them, the next one to come puts it right. */
export type Step =
  | 'making its folder'
  | 'writing its record'
  | 'making its file'
  | 'taking its room'
  | 'recording that it is ready'
  | 'attaching it'
  | 'recording its new size'
  | 'taking more room'
  | 'showing its new size'
  | 'detaching it'
  | 'moving it to the trash'
  | 'removing its file'
  | 'removing its record'
  | 'removing its folder'
  | 'recording that its disk is wiped'
  | 'overwriting its disk';

/** Where a machine keeps what it knows of its volumes and what lies in none of their folders. `isthmus machine reset` leaves it: data outlives a cluster. */
export const stateFolder = '/var/lib/isthmus-volumes';

/** Whoever has a volume has to stop first; the message says who. */
export class InUse extends Error {}
