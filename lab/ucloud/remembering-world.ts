import type { World, WorldMachine, WorldNetwork } from './world.ts';

/**
 * A world for tests of the API alone: it remembers what it was told and moves no packet and boots nothing. It refuses what
 * the real one could not do, so that a call out of order is found.
 */
export interface RememberingWorld extends World {
  /** Everything it was told, in order: `boot uhost-…`, `give uhost-… 10.9.0.3`. */
  readonly told: readonly string[];
  /** The machines whose power is on. */
  readonly on: ReadonlySet<string>;
  /** The addresses that it carries, by port: a machine's or an interface's. */
  readonly carried: ReadonlyMap<string, ReadonlySet<string>>;
  readonly booted: ReadonlyMap<string, WorldMachine>;
  /** How it routes and filters now; not among what it was told, for it is told after many things. */
  readonly network: () => WorldNetwork | undefined;
  /** The machine that each further interface is in. */
  readonly attached: ReadonlyMap<string, string>;
  /** The guest shuts itself down. */
  readonly shutDownFromInside: (id: string) => void;
  /** From now on every call that begins with `what` fails with this message; `undefined` ends it. */
  readonly failAt: (what: string, message: string | undefined) => void;
  /** From now on calls that begin with `what` do not end before the function it gives is called; a stop ends with the power. */
  readonly hold: (what: string) => () => void;
  /** Ends every hold. */
  readonly release: () => void;
}

export function createRememberingWorld(): RememberingWorld {
  const script = createScript();
  const addresses = createAddressBook(script);
  const has = { on: new Set<string>(), booted: new Map(), attached: new Map(), carried: addresses.carried };
  let shape: WorldNetwork | undefined;
  const { told, failAt, hold, release } = script;
  return {
    ...has,
    ...createPower(script, has),
    ...createParts(script, has),
    ...addresses,
    told,
    failAt,
    hold,
    release,
    async shapeNetwork(wanted) {
      script.checkFailure('shape');
      shape = structuredClone(wanted);
    },
    network: () => shape,
    shutDownFromInside: (id) => void has.on.delete(id),
  };
}

/** What the world has, by the ids of machines and ports. */
interface Has {
  readonly on: Set<string>;
  readonly booted: Map<string, WorldMachine>;
  readonly attached: Map<string, string>;
  readonly carried: Map<string, Set<string>>;
}

type Power = Pick<World, 'boot' | 'start' | 'stop' | 'off' | 'destroy' | 'isOn'>;

function createPower({ tell, checkFailure, letGo }: Script, { on, booted, attached, carried }: Has): Power {
  return {
    async boot(machine) {
      await tell(`boot ${machine.id}`);
      if (booted.has(machine.id)) throw new Error(`${machine.id} was booted before`);
      booted.set(machine.id, machine);
      carried.set(machine.id, new Set());
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
      if ((carried.get(id)?.size ?? 0) > 0) throw new Error(`${id} still has addresses`);
      booted.delete(id);
      for (const [port, machine] of attached) if (machine === id) attached.delete(port);
      carried.delete(id);
    },
    async isOn(id) {
      checkFailure(`isOn ${id}`);
      return on.has(id);
    },
  };
}

type Parts = Pick<World, 'attach' | 'detach' | 'makeImage' | 'removeImage'>;

/** Interfaces that machines are given, and images that are made of their disks. */
function createParts({ tell }: Script, { on, booted, attached }: Has): Parts {
  return {
    async attach(id, port) {
      await tell(`attach ${id} ${port.id}`);
      if (!booted.has(id)) throw new Error(`the world has no machine ${id}`);
      attached.set(port.id, id);
    },
    async detach(id, port) {
      await tell(`detach ${id} ${port}`);
      attached.delete(port);
    },
    async makeImage(id, image) {
      await tell(`make ${image} of ${id}`);
      if (on.has(id)) throw new Error(`${id} is on`);
    },
    removeImage: (image) => tell(`remove ${image}`),
  };
}

/** What a test asked the world to fail at and to wait for, and what it was told. */
interface Script extends Pick<RememberingWorld, 'told' | 'failAt' | 'hold' | 'release'> {
  /** Remembers what the world is told. @fails Error where a failure was asked for */
  readonly tell: (what: string) => Promise<void>;
  readonly checkFailure: (what: string) => void;
  readonly letGo: (what: string) => void;
}

function createScript(): Script {
  const told: string[] = [];
  const failures = new Map<string, string>();
  const holds = new Map<string, PromiseWithResolvers<void>>();

  function checkFailure(what: string): void {
    for (const [start, message] of failures) if (what.startsWith(start)) throw new Error(message);
  }

  function letGo(what: string): void {
    holds.get(what)?.resolve();
    holds.delete(what);
  }

  return {
    told,
    checkFailure,
    letGo,
    async tell(what) {
      checkFailure(what);
      told.push(what);
      for (const [start, held] of holds) if (what.startsWith(start)) await held.promise;
    },
    failAt(what, message) {
      if (message === undefined) failures.delete(what);
      else failures.set(what, message);
    },
    release() {
      for (const what of holds.keys()) letGo(what);
    },
    hold(what) {
      holds.set(what, Promise.withResolvers<void>());
      return () => letGo(what);
    },
  };
}

/** The addresses that the world carries: each for one holder. */
function createAddressBook({ tell }: Script) {
  const carried = new Map<string, Set<string>>();

  function addressesOf(id: string): Set<string> {
    // An interface has a port of its own from the beginning, wherever it is.
    if (id.startsWith('uni-') && !carried.has(id)) carried.set(id, new Set());
    const addresses = carried.get(id);
    if (addresses === undefined) throw new Error(`the world has no machine ${id}`);
    return addresses;
  }

  return {
    carried,
    async giveAddress(id: string, ip: string): Promise<void> {
      await tell(`give ${id} ${ip}`);
      for (const [owner, addresses] of carried) if (addresses.has(ip)) throw new Error(`${owner} has ${ip} already`);
      addressesOf(id).add(ip);
    },
    async takeAddress(id: string, ip: string): Promise<void> {
      await tell(`take ${id} ${ip}`);
      if (!addressesOf(id).delete(ip)) throw new Error(`${id} does not have ${ip}`);
    },
  };
}
