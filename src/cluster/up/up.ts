import { messageOf } from '#unit/message-of.ts';
import type { Connections, Session } from '../session.ts';
import { workAlone } from '../state/work-alone.ts';
import { checkMachines } from './check-machines.ts';
import { observeUp } from './observe-up.ts';
import { performUp } from './perform-up.ts';
import { destroys, explainStep, planUp, titleOf, type UpStep } from './plan-up.ts';
import { checkAgainstCloud } from './preflight.ts';

export interface UpOptions {
  /** How cluster.yaml is called in messages. */
  readonly file: string;
  /** Shows the lines and asks a person; not called when there is nothing to do. */
  readonly confirm: (lines: readonly string[]) => Promise<boolean>;
}

/** Rounds before we say that the world does not come to rest; each shrinks what is left, so that three are already odd. */
const mostRounds = 4;

/**
 * Makes the world as cluster.yaml says: looks, plans, asks, performs, and looks again until nothing is left.
 * @shape `converged`: there was nothing to do; `done`: now there is nothing left; `declined`: the person said no
 * @fails FaultyFile when the cloud contradicts cluster.yaml · ClusterHeld when another works on this cluster · Error of the step
 *        that failed; run again to go on
 */
export function up(session: Session, options: UpOptions): Promise<'converged' | 'done' | 'declined'> {
  return workAlone(session, async (alone, connections, stillAlone) => {
    const { report } = session;
    await report.look('looking at the cloud', () => checkAgainstCloud(alone, connections, options.file));
    let unseen = true;
    for (let round = 1; ; round++) {
      await stillAlone();
      const stages = await report.look('looking at cloud and cluster', () => observeAndPlan(alone, connections));
      if (stages.length === 0) return round === 1 ? 'converged' : 'done';
      const steps = stages.flat();
      if (round > mostRounds)
        throw new Error(`after ${mostRounds} rounds there still is: ${steps.map(explainStep).join('; ')}`);
      await report.look('looking at the machines', () => checkMachines(alone, steps));
      // What follows from a plan that was agreed to is agreed to as well, unless it takes something away or could not be seen.
      const asks = unseen || steps.some(destroys);
      if (asks && !(await options.confirm(steps.map(explainStep)))) return 'declined';
      unseen = steps.some((step) => step.do === 'wait-for-api');
      for (const stage of stages) {
        await stillAlone();
        await performStage(alone, connections, stage);
      }
    }
  });
}

/** Looks, and says what is left to do. @fails Error when a person has to decide first, with the cure */
export async function observeAndPlan(
  session: Session,
  connections: Connections,
): Promise<readonly (readonly UpStep[])[]> {
  const { config } = session;
  const made = planUp(await observeUp(session, connections), {
    controlPlane: config.controlPlane,
    cloudMachines: config.cloudMachines.map(({ name }) => name),
    machines: config.machines.map(({ name }) => name),
    addresses: new Map(config.machines.map(({ name, address }) => [name, address])),
  });
  if ('blocked' in made) throw new Error(`${made.blocked}; ${made.cure}`);
  return made.stages;
}

/** All steps of a stage come to their end before a failure of one is told, so that nothing is left running unseen. */
async function performStage(session: Session, connections: Connections, stage: readonly UpStep[]): Promise<void> {
  session.signal.throwIfAborted();
  const ends = await Promise.allSettled(
    stage.map((step) =>
      session.report.step(titleOf(step), step.why, (say) => performUp(session, connections, step, say)),
    ),
  );
  const failures = ends.flatMap((end, i) => {
    const step = stage[i];
    return end.status === 'rejected' && step !== undefined ? [`${titleOf(step)}: ${messageOf(end.reason)}`] : [];
  });
  session.signal.throwIfAborted();
  if (failures.length > 0)
    throw new Error(failures.join('\n'), { cause: ends.find((end) => end.status === 'rejected')?.reason });
}
