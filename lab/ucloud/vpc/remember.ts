import type { Script } from '../engine/script.ts';
import type { VpcWorld, WorldNetwork } from './world.ts';

/** What a remembering world knows of the network. */
export interface VpcMemory {
  /** The addresses that it carries, by port: a machine's or an interface's. */
  readonly carried: ReadonlyMap<string, ReadonlySet<string>>;
  /** The machine that each further interface is in. */
  readonly attached: ReadonlyMap<string, string>;
  /** How it routes and filters now; not among what it was told, for it is told after many things. */
  readonly network: () => WorldNetwork | undefined;
  readonly forget: (machine: string) => void;
}

/** What the network needs to know of the part that the machines remember. */
interface Others {
  readonly booted: ReadonlyMap<string, unknown>;
}

/** A network that moves no packet. */
export function rememberVpc({ tell, checkFailure }: Script, others: object): VpcWorld & VpcMemory {
  const carried = new Map<string, Set<string>>();
  const attached = new Map<string, string>();
  let shape: WorldNetwork | undefined;
  const isThere = (machine: string): boolean => (others as Others).booted.has(machine);

  function addressesOf(port: string): Set<string> {
    // An interface has a port of its own from the beginning, wherever it is.
    if (!port.startsWith('uni-') && !isThere(port)) throw new Error(`the world has no machine ${port}`);
    const addresses = carried.get(port) ?? new Set();
    carried.set(port, addresses);
    return addresses;
  }

  return {
    carried,
    attached,
    network: () => shape,
    forget(machine) {
      if ((carried.get(machine)?.size ?? 0) > 0) throw new Error(`${machine} still has addresses`);
      for (const [port, home] of attached) if (home === machine) attached.delete(port);
      carried.delete(machine);
    },
    async attach(id, port) {
      await tell(`attach ${id} ${port.id}`);
      if (!isThere(id)) throw new Error(`the world has no machine ${id}`);
      attached.set(port.id, id);
    },
    async detach(id, port) {
      await tell(`detach ${id} ${port}`);
      attached.delete(port);
    },
    async giveAddress(id, ip) {
      await tell(`give ${id} ${ip}`);
      for (const [owner, addresses] of carried) if (addresses.has(ip)) throw new Error(`${owner} has ${ip} already`);
      addressesOf(id).add(ip);
    },
    async takeAddress(id, ip) {
      await tell(`take ${id} ${ip}`);
      if (!addressesOf(id).delete(ip)) throw new Error(`${id} does not have ${ip}`);
    },
    async shapeNetwork(wanted) {
      checkFailure('shape');
      shape = structuredClone(wanted);
    },
  };
}
