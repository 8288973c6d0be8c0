import type { MachineStorage } from '#capability/capability.ts';
import type { Inside } from '#host/inside.ts';
import type { Service } from '#rpc/rpc.ts';
import { minutes, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { identity } from '../identity.ts';
import { inFlight } from '../in-flight.ts';
import { localController } from './controller-service.ts';
import { localDriver } from './driver.ts';
import { explainPools, type PoolsSaid, sayPools } from './explain-pools.ts';
import { LocalVolumes, type PoolsSeen } from './local-volumes.ts';
import { localNode } from './node-service.ts';
import type { LeftVolume } from './plan-left.ts';
import type { VolumeRecord } from './volume-record.ts';

export interface LocalDriverOptions {
  readonly inside: Inside;
  /** The name of the Node. */
  readonly node: string;
  readonly version: string;
  /** What cluster.yaml gives to volumes of this machine; asked for each call, because `isthmus up` may change it. */
  readonly given: () => Promise<MachineStorage>;
  /** Of this machine's volumes those that nobody can use any more. It fails while the API server can't be asked. */
  readonly left: (records: readonly VolumeRecord[]) => Promise<readonly LeftVolume[]>;
  /** Told after each look what is to be said of the machine; `undefined`: nothing. It may fail. */
  readonly say: (said: PoolsSaid | undefined) => Promise<void>;
  readonly note: (facts: object, doing: string) => void;
}

export interface LocalDriver {
  /** All three of a driver's services: it provisions on the node itself. */
  readonly services: readonly Service[];
  /** What this machine gives to volumes now, and what is wrong with it. */
  readonly look: () => Promise<PoolsSeen>;
  /** What goes on beside the calls, until it is stopped: it never fails for one volume or disk. */
  readonly tend: (stop: AbortSignal) => Promise<void>;
}

/**
 * Opens the driver of one machine's own disks, and puts right what its predecessor left half-done.
 * @fails Error when what it knows of its volumes can't be read
 */
export async function openLocalDriver({
  inside,
  node,
  version,
  given,
  left,
  say,
  note,
}: LocalDriverOptions): Promise<LocalDriver> {
  const flight = inFlight();
  const machine = {
    inside,
    node,
    given,
    before: (volume: string, step: string) => note({ volume, step }, 'changing a local volume'),
    tell: (fault: string) => note({ fault }, 'tending local volumes'),
  };
  const volumes = new LocalVolumes(machine, flight);
  await volumes.recover();
  return {
    services: [identity(localDriver, version), localController(volumes, flight), localNode(volumes, inside, flight)],
    look: () => volumes.look(),
    async tend(stop) {
      let told: readonly string[] = [];
      let last: readonly LeftVolume[] = [];
      // Volumes do without the API server: the line may be cut. What was left is left still.
      const lookForLeft = async (): Promise<readonly LeftVolume[]> => {
        const seen = await volumes.records().then(left);
        last = seen;
        return seen;
      };
      while (!stop.aborted) {
        // Before the turn: what is deleted while it goes on is not seen by it.
        const deleted = volumes.untilDeleted();
        const { said, faults } = await tendOnce(volumes, () => lookForLeft().catch(() => last), stop);
        // What was given up half-way is no fault.
        if (stop.aborted) return;
        for (const fault of faults.filter((one) => !told.includes(one))) machine.tell(fault);
        told = faults;
        await say(said).catch((e: unknown) => machine.tell(`saying it on the Node: ${messageOf(e)}`));
        const rest = new AbortController();
        const pause = faults.length > 0 ? pauseInTrouble : pauseWhenWell;
        await Promise.race([deleted, sleep(pause, AbortSignal.any([stop, rest.signal])).catch(() => undefined)]);
        rest.abort();
      }
    },
  };
}

async function tendOnce(
  volumes: LocalVolumes,
  left: () => Promise<readonly LeftVolume[]>,
  stop: AbortSignal,
): Promise<{ readonly said: PoolsSaid | undefined; readonly faults: readonly string[] }> {
  try {
    await volumes.tend(stop);
    const seen = { ...(await volumes.look()), left: await left() };
    return { said: sayPools(seen), faults: explainPools(seen).map(({ message }) => message) };
  } catch (e) {
    const message = messageOf(e);
    return { said: { status: 'False', reason: 'LookFailed', message }, faults: [message] };
  }
}

/** A deleted disk is overwritten at once; this is for what failed, for what nobody asked for again, and for what is said of the machine. */
const pauseWhenWell = minutes(10);
/** Whoever mends something wants to see that it helped. A free disk is read again each time. */
const pauseInTrouble = minutes(1);
