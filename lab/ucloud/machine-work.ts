import { ms } from '#unit/clock.ts';
import type { Addresses } from './address-work.ts';
import type { Latency } from './latency.ts';
import { gatewayOf, rangeOf, subnetOf } from './lookup.ts';
import { diskWritten, endJob, type Job, orderJob, seenPower } from './machine-life.ts';
import { Refusal } from './refusal.ts';
import type { MachineRecord, State } from './state.ts';
import type { WorldMachine } from './world.ts';
import { messageOf, type WorldCaller } from './world-caller.ts';

/** The machines' side of the world: every order becomes work in the machine's own queue. */
export interface Machines {
  /** Begins the installation of a machine that was just recorded. */
  install(machine: MachineRecord): void;
  /** @fails Refusal 8905 or 8856 for a machine in the wrong state */
  order(machine: MachineRecord, job: Exclude<Job, 'install'>): void;
  /** Looks at the power of machines that should be on. @shape the ids of those that could not be read */
  look(machines: readonly MachineRecord[]): Promise<ReadonlySet<string>>;
  /** Takes up the work that a snapshot was made in the middle of. */
  resume(): void;
}

export function createMachines(state: State, addresses: Addresses, caller: WorldCaller): Machines {
  const { world, queue, wait, latencyOf, note } = caller;

  async function install(machine: MachineRecord, again: boolean): Promise<void> {
    await wait(latencyOf('writeDisk'));
    if (machine.doomed) throw new Error('it fails on request');
    machine.life = diskWritten(machine.life);
    // A cloud restored from a snapshot may find that the machine was switched on just before.
    const isThere = again && (await world.isOn(machine.id));
    await lasting('firstStart', () => (isThere ? Promise.resolve() : world.boot(worldMachine(machine, state))));
  }

  /** Work that ends no sooner than the cloud would. */
  async function lasting(what: Latency, work: () => Promise<void>): Promise<void> {
    const end = caller.now() + latencyOf(what);
    await work();
    await wait(ms(Math.max(0, end - caller.now())));
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

  const perform: Readonly<Record<Job, (machine: MachineRecord, again: boolean) => Promise<void>>> = {
    install,
    start: (machine) => lasting('start', () => on(machine)),
    stop: (machine) => lasting('stop', () => off(machine, 'stop')),
    off: (machine) => lasting('off', () => off(machine, 'off')),
    reboot: (machine) => lasting('reboot', () => off(machine, 'stop').then(() => on(machine))),
    end,
  };

  async function run(machine: MachineRecord, job: Job, again: boolean): Promise<void> {
    try {
      await perform[job](machine, again);
      // A stop that was overtaken by power-off must not clear what the other is still doing.
      machine.life = endJob(machine.life, job, 'done');
      machine.trouble = undefined;
      note({ doing: job, machine: machine.id });
    } catch (e) {
      if (e === caller.closing.reason) return;
      machine.trouble = `${job}: ${messageOf(e)}`;
      if (job !== 'end') machine.life = endJob(machine.life, job, 'failed');
      note({ doing: job, machine: machine.id, error: messageOf(e) });
    }
  }

  function begin(machine: MachineRecord, job: Job, again = false): void {
    void queue.add(machine.id, () => run(machine, job, again));
  }

  /** Its addresses are taken back through its own queue, so this must not wait inside that queue. */
  function beginEnd(machine: MachineRecord): void {
    void queue.add(`end ${machine.id}`, async () => {
      await addresses.leaveAll(machine.id);
      await queue.add(machine.id, () => run(machine, 'end', false));
    });
  }

  /** Power-off during a stop can't wait for the end of that stop: a guest that hangs is what it is for. */
  function beginBeside(machine: MachineRecord): void {
    void queue.add(`beside ${machine.id}`, () => run(machine, 'off', false));
  }

  return {
    install: (machine) => begin(machine, 'install'),
    order(machine, job) {
      const next = orderJob(machine.life, job);
      if ('refused' in next)
        throw new Refusal(
          next.refused,
          next.refused === 8856
            ? `UHost ${machine.id} is ${machine.life.state} and must be stopped before deletion`
            : `UHost ${machine.id} is ${machine.life.state}, which does not allow ${job}`,
        );
      const isStopping = machine.life.job === 'stop';
      machine.life = next;
      if (job === 'end') beginEnd(machine);
      else if (isStopping) beginBeside(machine);
      else begin(machine, job);
    },
    async look(machines) {
      const unread = new Set<string>();
      await Promise.all(
        machines
          .filter((machine) => machine.life.state === 'Running')
          .map(async (machine) => {
            try {
              machine.life = seenPower(machine.life, await world.isOn(machine.id));
            } catch (e) {
              unread.add(machine.id);
              note({ doing: 'isOn', machine: machine.id, error: messageOf(e) });
            }
          }),
      );
      return unread;
    },
    resume() {
      for (const machine of state.machines) {
        const { job } = machine.life;
        if (job === 'end') beginEnd(machine);
        else if (job !== undefined) begin(machine, job, true);
      }
    },
  };
}

function worldMachine(machine: MachineRecord, state: State): WorldMachine {
  const { id, name, image, mac, ip, cpu, memoryMib } = machine;
  const range = rangeOf(subnetOf(machine.subnet, state));
  // Lower case from here on: the way Linux writes it.
  const wire = { mac: mac.toLowerCase(), ip, prefixLength: range.bits, gateway: gatewayOf(range) };
  return { id, name, image, ...wire, cpu, memoryMib };
}
