import type { MachineStorage } from '#capability/capability.ts';
import type { Inside } from '#host/inside.ts';
import {
  PluginCapability_VolumeExpansion_Type as Expansion,
  PluginCapability_Service_Type as Part,
} from '#rpc/gen/csi_pb.js';
import type { Service } from '#rpc/rpc.ts';
import { minutes, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { identity } from '../identity.ts';
import { inFlight } from '../in-flight.ts';
import { localController } from './controller-service.ts';
import { localDriver } from './driver.ts';
import { explainPools } from './explain-pools.ts';
import { LocalVolumes, type PoolsSeen } from './local-volumes.ts';
import { localNode } from './node-service.ts';

export interface LocalDriverOptions {
  readonly inside: Inside;
  /** The name of the Node. */
  readonly node: string;
  readonly version: string;
  /** What cluster.yaml gives to volumes of this machine; asked for each call, because `isthmus up` may change it. */
  readonly given: () => Promise<MachineStorage>;
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
  const about = {
    name: localDriver,
    version,
    services: [Part.CONTROLLER_SERVICE, Part.VOLUME_ACCESSIBILITY_CONSTRAINTS],
    expansion: Expansion.ONLINE,
  };
  return {
    services: [identity(about), localController(volumes, flight), localNode(volumes, inside, flight)],
    look: () => volumes.look(),
    async tend(stop) {
      let told: readonly string[] = [];
      while (!stop.aborted) {
        // Before the turn: what is deleted while it goes on is not seen by it.
        const deleted = volumes.untilDeleted();
        try {
          await volumes.tend(stop);
          const faults = explainPools(await volumes.look());
          for (const fault of faults.filter((one) => !told.includes(one))) machine.tell(fault);
          told = faults;
        } catch (e) {
          machine.tell(messageOf(e));
        }
        const rest = new AbortController();
        await Promise.race([deleted, sleep(pause, AbortSignal.any([stop, rest.signal])).catch(() => undefined)]);
        rest.abort();
      }
    },
  };
}

/** A deleted disk is overwritten at once; this is for what failed, and for what nobody asked for again. */
const pause = minutes(10);
