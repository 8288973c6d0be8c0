import { messageOf } from '#unit/message-of.ts';
import type { WorldCaller } from '../engine/world-caller.ts';
import { Refusal } from '../gateway/refusal.ts';
import type { UdiskWorks } from '../udisk/work.ts';
import type { Placed } from '../vpc/state.ts';
import type { VpcWorks } from '../vpc/work.ts';
import { createJobs } from './machine-jobs.ts';
import { endJob, type Job, orderJob, seenPower } from './machine-life.ts';
import type { MachineRecord } from './state.ts';
import type { UhostWorld } from './world.ts';

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

export function createMachines(state: Placed, works: VpcWorks & UdiskWorks, caller: WorldCaller<UhostWorld>): Machines {
  const { queue } = caller;
  const jobs = createJobs(state, works, caller);

  async function run(machine: MachineRecord, job: Job, again: boolean): Promise<void> {
    try {
      await jobs[job](machine, again);
      // A stop that was overtaken by power-off must not clear what the other is still doing.
      machine.life = endJob(machine.life, job, 'done');
      machine.trouble = undefined;
      caller.note({ doing: job, machine: machine.id });
    } catch (e) {
      if (e === caller.closing.reason) return;
      machine.trouble = `${job}: ${messageOf(e)}`;
      if (job !== 'end') machine.life = endJob(machine.life, job, 'failed');
      caller.note({ doing: job, machine: machine.id, error: messageOf(e) });
    }
  }

  function begin(machine: MachineRecord, job: Job, again = false): void {
    void queue.add(machine.id, () => run(machine, job, again));
  }

  /** Its addresses are taken back through its own queue, so this must not wait inside that queue. */
  function beginEnd(machine: MachineRecord): void {
    works.interfaces.leave(machine.id);
    void queue.add(`end ${machine.id}`, async () => {
      await works.addresses.leaveAll(machine.id);
      await works.disks.leave(machine.id, machine.releasesDisks === true ? 'release' : 'keep');
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
      if ('refused' in next) throw refusalOf(machine, job, next.refused);
      const isStopping = machine.life.job === 'stop';
      machine.life = next;
      if (job === 'end') beginEnd(machine);
      else if (isStopping) beginBeside(machine);
      else begin(machine, job);
    },
    look: (machines) => lookAtPower(machines, caller),
    resume() {
      for (const machine of state.machines) {
        const { job } = machine.life;
        if (job === 'end') beginEnd(machine);
        else if (job !== undefined) begin(machine, job, true);
      }
    },
  };
}

function refusalOf({ id, life }: MachineRecord, job: Job, code: number): Refusal {
  const why = code === 8856 ? ' and must be stopped before deletion' : `, which does not allow ${job}`;
  return new Refusal(code, `UHost ${id} is ${life.state}${why}`);
}

async function lookAtPower(
  machines: readonly MachineRecord[],
  { world, note }: WorldCaller<UhostWorld>,
): Promise<ReadonlySet<string>> {
  const unread = new Set<string>();
  const running = machines.filter((machine) => machine.life.state === 'Running');
  await Promise.all(
    running.map(async (machine) => {
      try {
        machine.life = seenPower(machine.life, await world.isOn(machine.id));
      } catch (e) {
        unread.add(machine.id);
        note({ doing: 'isOn', machine: machine.id, error: messageOf(e) });
      }
    }),
  );
  return unread;
}
