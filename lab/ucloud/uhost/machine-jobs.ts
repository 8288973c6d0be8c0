import { lasting, type WorldCaller } from '../engine/world-caller.ts';
import type { UdiskWorks } from '../udisk/work.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { Placed } from '../vpc/state.ts';
import type { VpcWorks } from '../vpc/work.ts';
import { latencies } from './latency.ts';
import { diskWritten, type Job } from './machine-life.ts';
import type { MachineRecord } from './state.ts';
import type { UhostWorld, WorldMachine } from './world.ts';

/**
 * What each job does to the world, and how long it takes. `again`: a cloud restored from a snapshot takes the job up anew and
 * does not know how far it came.
 * @fails Error from the world · the reason of `caller.closing` when the cloud is closed meanwhile
 */
export type Jobs = Readonly<Record<Job, (machine: MachineRecord, again: boolean) => Promise<void>>>;

type Works = Pick<VpcWorks, 'network'> & Pick<UdiskWorks, 'disks'>;

export function createJobs(state: Placed, works: Works, caller: WorldCaller<UhostWorld>): Jobs {
  const { world, wait, latencyOf } = caller;

  async function install(machine: MachineRecord, again: boolean): Promise<void> {
    await wait(latencyOf(latencies.writeDisk));
    if (machine.doomed) throw new Error('it fails on request');
    machine.life = diskWritten(machine.life);
    // Just before the snapshot it may have been switched on.
    const isThere = again && (await world.isOn(machine.id));
    await lasting(latencies.firstStart, caller, async () => {
      if (isThere) return;
      // It meets its routes and filters with its first packet, and its disks when it starts.
      await works.network.apply();
      await works.disks.install(machine.id);
      await world.boot(worldMachine(machine, state));
    });
  }

  async function on({ id }: MachineRecord): Promise<void> {
    if (!(await world.isOn(id))) await world.start(id);
  }

  async function off({ id }: MachineRecord, how: 'stop' | 'off'): Promise<void> {
    if (await world.isOn(id)) await world[how](id);
  }

  async function end(machine: MachineRecord): Promise<void> {
    if (!machine.destroyed) await world.destroy(machine.id);
    machine.destroyed = true;
    works.network.applySoon();
    await wait(latencyOf(latencies.rest));
    state.machines.splice(state.machines.indexOf(machine), 1);
  }

  return {
    install,
    start: (machine) => lasting(latencies.start, caller, () => on(machine)),
    stop: (machine) => lasting(latencies.stop, caller, () => off(machine, 'stop')),
    off: (machine) => lasting(latencies.off, caller, () => off(machine, 'off')),
    reboot: (machine) => lasting(latencies.reboot, caller, () => off(machine, 'stop').then(() => on(machine))),
    end,
  };
}

function worldMachine(machine: MachineRecord, state: Placed): WorldMachine {
  const { id, name, image, mac, ip, cpu, memoryMib } = machine;
  const range = rangeOf(subnetOf(machine.subnet, state));
  // Lower case from here on: the way Linux writes it.
  const wire = { mac: mac.toLowerCase(), ip, prefixLength: range.bits, gateway: gatewayOf(range) };
  return { id, name, image, ...wire, cpu, memoryMib };
}
