import type { Script } from '../engine/script.ts';
import type { UhostWorld, WorldMachine } from './world.ts';

/** What a remembering world knows of machines. */
export interface UhostMemory {
  /** The machines whose power is on. */
  readonly on: ReadonlySet<string>;
  readonly booted: ReadonlyMap<string, WorldMachine>;
  /** The guest shuts itself down. */
  readonly shutDownFromInside: (id: string) => void;
}

/** What machines need to know of the part that the network remembers. */
interface Others {
  /** The machine ends with the world: what is attached to it is free. @fails Error while it still has addresses */
  readonly forget: (machine: string) => void;
}

/** Machines that boot nothing. It refuses what the real world could not do, so that a call out of order is found. */
export function rememberUhost(script: Script, others: object): UhostWorld & UhostMemory {
  const { tell, checkFailure, letGo } = script;
  const on = new Set<string>();
  const booted = new Map<string, WorldMachine>();
  return {
    on,
    booted,
    shutDownFromInside: (id) => void on.delete(id),
    async boot(machine) {
      await tell(`boot ${machine.id}`);
      if (booted.has(machine.id)) throw new Error(`${machine.id} was booted before`);
      booted.set(machine.id, machine);
      on.add(machine.id);
    },
    async start(id) {
      await tell(`start ${id}`);
      if (!booted.has(id)) throw new Error(`the world has no machine ${id}`);
      on.add(id);
    },
    async stop(id) {
      await tell(`stop ${id}`);
      on.delete(id);
    },
    async off(id) {
      await tell(`off ${id}`);
      on.delete(id);
      letGo('stop');
    },
    async destroy(id) {
      await tell(`destroy ${id}`);
      if (on.has(id)) throw new Error(`${id} is still on`);
      (others as Others).forget(id);
      booted.delete(id);
    },
    async isOn(id) {
      checkFailure(`isOn ${id}`);
      return on.has(id);
    },
    async makeImage(id, image) {
      await tell(`make ${image} of ${id}`);
      if (on.has(id)) throw new Error(`${id} is on`);
    },
    removeImage: (image) => tell(`remove ${image}`),
  };
}
