import type { Outside } from '#capability/capability.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import { minutes } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { SiteMachineConfig } from '../config/config.ts';
import { cloudMachinesOf } from '../observe-cluster.ts';
import { askCloud, mark, openMachine, outsidesOf, type Session } from '../session.ts';
import { ClusterHeld } from '../state/state-lock.ts';
import { workAlone } from '../state/work-alone.ts';
import { resetOver } from '../up/remove-machine.ts';
import { exposedOf, removeExposed } from './exposed.ts';
import { tellKeptVolumes } from './kept-volumes.ts';
import { explainDown, planDown } from './plan-down.ts';

/**
 * Takes the cluster away: resets its physical machines, removes its cloud machines, forgets its keys. Touches only what
 * carries the cluster's mark or is named in cluster.yaml. Can be repeated.
 * @shape `nothing`: there was nothing to take away; `declined`: the person said no
 * @fails ClusterHeld when another works on this cluster · Error that names every machine that could not be dealt with; the others are done
 */
export function down(session: Session, options: DownOptions): Promise<'nothing' | 'done' | 'declined'> {
  return workAlone(session, async (_alone, _connections, stillAlone) => {
    await stillAlone().catch((e: unknown) => {
      if (e instanceof ClusterHeld) throw e;
      // A cluster that is broken must still go.
      session.report.say(`cannot check whether another run is active on this cluster: ${messageOf(e)}`);
    });
    // Not the session that ends with the hold: the hold is in the cluster that goes away.
    return takeAway(session, options);
  });
}

interface DownOptions {
  readonly confirm: (lines: readonly string[]) => Promise<boolean>;
}

async function takeAway(session: Session, options: DownOptions): Promise<'nothing' | 'done' | 'declined'> {
  const { config, state } = session;
  const cloudMachines = await cloudMachinesOf(session);
  const machines = await Promise.all(
    config.machines.map(async (machine) => ({ machine, known: (await state.pinned(machine.name)) !== undefined })),
  );
  const plan = planDown({
    controlPlane: config.controlPlane,
    cloudMachines,
    machines: machines.map(({ machine, known }) => ({ name: machine.name, address: machine.address, known })),
    hasKubeconfig: await state.hasKubeconfig(),
    outsides: outsidesOf(session).map(({ what }) => what),
    exposed: await exposedOf(session),
  });
  // Before the question, and also when nothing else is left: nobody else would tell of them.
  await tellKeptVolumes(session);
  if (plan.length === 0) return 'nothing';
  if (!(await options.confirm(plan.map(explainDown)))) return 'declined';
  const chosen = new Set(plan.flatMap((step) => (step.do === 'reset-machine' ? [step.machine] : [])));
  const works = [
    ...machines
      .filter(({ machine }) => chosen.has(machine.name))
      .map(
        ({ machine }) =>
          () =>
            resetMachine(session, machine),
      ),
    ...cloudMachines.map((machine) => () => removeMachine(session, machine)),
    ...outsidesOf(session)
      .filter(({ what }) => plan.some((step) => step.do === 'clear-outside' && step.what === what))
      .map((outside) => () => clearOutside(session, outside)),
  ];
  await allOf(session, works);
  // Looked at again: the controller was alive until its machine was gone.
  for (const left of await cloudMachinesOf(session)) await removeMachine(session, left);
  for (const left of await exposedOf(session)) await removeExposed(session, left);
  await state.remove();
  return 'done';
}

async function allOf(session: Session, works: readonly (() => Promise<void>)[]): Promise<void> {
  const ends = await Promise.allSettled(works.map((work) => work()));
  session.signal.throwIfAborted();
  const faults = ends.flatMap((end) => (end.status === 'rejected' ? [String((end.reason as Error).message)] : []));
  if (faults.length > 0) throw new Error(`${faults.join('\n')}\ncorrect this and run isthmus down again`);
}

function resetMachine(session: Session, machine: SiteMachineConfig): Promise<void> {
  return session.report.step(`reset machine ${machine.name}`, 'it was joined to this cluster', async (say) => {
    const host = await openMachine(session, machine);
    try {
      await resetOver(session, host, say);
    } finally {
      await host.close();
    }
  });
}

function removeMachine(session: Session, machine: CloudMachine): Promise<void> {
  return session.report.step(
    `remove cloud machine ${machine.name}`,
    `${machine.id} carries the mark ${mark(session)}`,
    () =>
      askCloud(session, `removing ${machine.name}`, () =>
        session.cloud.compute.remove(machine.id, mark(session), { within: minutes(5) }),
      ),
  );
}

function clearOutside(session: Session, outside: Outside): Promise<void> {
  return session.report.step(`clear ${outside.what}`, 'what they were set for no longer exists', () => outside.clear());
}
