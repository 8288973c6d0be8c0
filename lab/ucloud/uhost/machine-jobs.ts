import { lasting, type WorldCaller } from '../engine/world-caller.ts';
import type { MachineRecord, State } from '../gateway/state.ts';
import { gatewayOf, rangeOf, subnetOf } from '../vpc/lookup.ts';
import type { WorldMachine } from '../world.ts';
import { diskWritten, type Job } from './machine-life.ts';

/**
 * What each job does to the world, and how long it takes. `again`: a cloud restored from a snapshot takes the job up anew and
 * does not know how far it came.
 * @fails Error from the world · the reason of `caller.closing` when the cloud is closed meanwhile
 */
export type Jobs = Readonly<Record<Job, (machine: MachineRecord, again: boolean) => Promise<void>>>;

export function createJobs(state: State, caller: WorldCaller): Jobs {
  const { world, wait, latencyOf } = caller;

  async function install(machine: MachineRecord, again: boolean): Promise<void> {
    await wait(latencyOf('writeDisk'));
    if (machine.doomed) throw new Error('it fails on request');
    machine.life = diskWritten(machine.life);
    // Just before the snapshot it may have been switched on.
    const isThere = again && (await world.isOn(machine.id));
    await lasting('firstStart', caller, () => (isThere ? Promise.resolve() : world.boot(worldMachine(machine, state))));
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
    await wait(latencyOf('rest'));
    state.machines.splice(state.machines.indexOf(machine), 1);
  }

  return {
    install,
    start: (machine) => lasting('start', caller, () => on(machine)),
    stop: (machine) => lasting('stop', caller, () => off(machine, 'stop')),
    off: (machine) => lasting('off', caller, () => off(machine, 'off')),
    reboot: (machine) => lasting('reboot', caller, () => off(machine, 'stop').then(() => on(machine))),
    end,
  };
}

function worldMachine(machine: MachineRecord, state: State): WorldMachine {
  const { id, name, image, mac, ip, cpu, memoryMib } = machine;
  const range = rangeOf(subnetOf(machine.subnet, state));
  // Lower case from here on: the way Linux writes it.
  const wire = { mac: mac.toLowerCase(), ip, prefixLength: range.bits, gateway: gatewayOf(range) };
  return { id, name, image, ...wire, cpu, memoryMib };
}
