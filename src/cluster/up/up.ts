import { messageOf } from '#unit/message-of.ts';
import type { ClusterConfig } from '../config/config.ts';
import { FaultyFile } from '../config/fault.ts';
import type { Connections, Session } from '../session.ts';
import { workAlone } from '../state/work-alone.ts';
import type { At, OneMachine } from './at.ts';
import { besideUp } from './beside.ts';
import { checkMachines } from './check-machines.ts';
import { observeMadeWith, planMadeWith } from './made-with.ts';
import { observeUp } from './observe-up.ts';
import { performUp } from './perform-up.ts';
import { destroys, explainStep, machineOf, planUp, titleOf, type UpStep, type UpWanted } from './plan-up.ts';
import { checkAgainstCloud } from './preflight.ts';

export interface UpOptions {
  /** How cluster.yaml is called in messages. */
  readonly file: string;
  /** Shows the lines and asks a person; not called when there is nothing to do. */
  readonly confirm: (lines: readonly string[]) => Promise<boolean>;
  /** One machine alone; what else cluster.yaml asks for is left alone. */
  readonly only?: OneMachine;
  /** Hears what is left for a person to do although its step is done. */
  readonly leave?: (line: string) => void;
}

/** Rounds before we say that the world does not come to rest; each shrinks what is left, so that three are already odd. */
const mostRounds = 4;

/**
 * Makes the world as cluster.yaml says: looks, plans, asks, performs, and looks again until nothing is left. What can't be done on one
 * machine does not keep the rest from being done; it is told at the end.
 * @shape `converged`: there was nothing to do; `done`: now there is nothing left; `declined`: the person said no
 * @fails FaultyFile when the cloud or the cluster contradicts cluster.yaml · ClusterHeld when another works on this cluster · Error
 *        of what could not be done, with everything else done; run again to go on
 */
export function up(session: Session, options: UpOptions): Promise<'converged' | 'done' | 'declined'> {
  return workAlone(session, async (alone, connections, stillAlone) => {
    const beside = besideUp(alone, connections);
    const mayGoOn = async (): Promise<void> => {
      await stillAlone();
      await beside.begin();
    };
    try {
      return await converge({ session: alone, connections, options, stillAlone, mayGoOn });
    } finally {
      await beside.end();
    }
  });
}

interface Converging {
  readonly session: Session;
  readonly connections: Connections;
  readonly options: UpOptions;
  readonly stillAlone: () => Promise<void>;
  /** As `stillAlone`; from then on what works beside is at work. */
  readonly mayGoOn: () => Promise<void>;
}

async function converge({ session, connections, options, stillAlone, mayGoOn }: Converging) {
  const { report } = session;
  const { file, only } = options;
  const leave = options.leave ?? report.say;
  // What cannot be made there is no reason to keep what is to go.
  const unmakeable =
    only?.doing === 'remove'
      ? new Map<string, string>()
      : await report.look('looking at the cloud', () => checkAgainstCloud(session, connections, file));
  const leftOut = new Map<string, string>();
  let unseen = true;
  for (let round = 1; ; round++) {
    await stillAlone();
    const { stages, untouched } = await lookAndPlan(session, connections, {
      file,
      unmakeable,
      leftOut,
      only,
    });
    if (stages.length === 0 && untouched.length > 0) throw new Error(explainLeftOut(untouched, only));
    if (stages.length === 0) return round === 1 ? 'converged' : 'done';
    const steps = stages.flat();
    if (round > mostRounds)
      throw new Error(`still not converged after ${mostRounds} rounds: ${steps.map(explainStep).join('; ')}`);
    // What follows from a plan that was confirmed is confirmed as well, unless it removes something or could not be seen.
    const asks = unseen || steps.some(destroys);
    const lines = [...steps.map(explainStep), ...untouched.map((why) => `cannot be done now: ${why}`)];
    if (asks && !(await options.confirm(lines))) return 'declined';
    unseen = steps.some((step) => step.do === 'wait-for-api');
    for (const stage of stages) {
      await mayGoOn();
      await performStage({ session, connections, leave, only }, stage, leftOut);
    }
  }
}

/** @shape stages: what is left and can be done; untouched: what can't, each with its cure */
interface Look {
  readonly stages: readonly (readonly UpStep[])[];
  readonly untouched: readonly string[];
}

/**
 * Looks, and says what is left to do. Machines that can't be joined now are added to `leftOut`.
 * @fails FaultyFile when cluster.yaml contradicts what the cluster was made with · Error when a person has to decide first, with the cure
 */
export async function lookAndPlan(
  session: Session,
  connections: Connections,
  known: {
    readonly file: string;
    readonly unmakeable: ReadonlyMap<string, string>;
    readonly leftOut: Map<string, string>;
    readonly only?: OneMachine | undefined;
  },
): Promise<Look> {
  const { config, report } = session;
  const seen = await report.look('looking at cloud and cluster', async () => {
    const found = await observeUp(session, connections, known.only);
    if (found.api === 'answers') {
      const faults = planMadeWith(await observeMadeWith(await connections.kube()), config);
      if (faults.length > 0) throw new FaultyFile(known.file, faults);
    }
    return found;
  });
  const plan = (): Look => {
    const { unmakeable, leftOut, only } = known;
    const made = planUp(seen, { ...wantedOf(config), unmakeable, leftOut, only: only?.machine });
    if ('blocked' in made) throw new Error(`${made.blocked}; ${made.cure}`);
    return { stages: made.stages, untouched: made.leftOut };
  };
  const first = plan();
  // It looks at itself, where nobody logs in to it.
  if (known.only?.doing === 'add' && known.only.paste !== undefined) return first;
  const faults = await report.look('looking at the machines', () =>
    checkMachines(session, connections, first.stages.flat()),
  );
  // Before there is a cluster, nothing is made beside what would be missing from it; and nothing is beside one machine.
  if (faults.size > 0 && (seen.api === 'none' || faults.has(config.controlPlane) || known.only !== undefined))
    throw new Error(`${[...faults.values()].join('\n')}\nnothing was done; ${againAfter(known.only)}`);
  for (const [machine, why] of faults) known.leftOut.set(machine, why);
  return faults.size === 0 ? first : plan();
}

function wantedOf(config: ClusterConfig): UpWanted {
  return {
    controlPlane: config.controlPlane,
    cloudMachines: config.cloudMachines.map(({ name }) => name),
    nodeGroups: config.nodeGroups.map(({ name }) => name),
    machines: config.machines.map(({ name }) => name),
    addresses: new Map(config.machines.map(({ name, address }) => [name, address])),
  };
}

function explainLeftOut(untouched: readonly string[], only: OneMachine | undefined): string {
  const done = only === undefined ? 'everything else is done; ' : '';
  return `${untouched.join('\n')}\n${done}${againAfter(only)}`;
}

function againAfter(only: OneMachine | undefined): string {
  return only === undefined ? 'correct this and run isthmus up again' : 'correct this, then run the same command again';
}

/**
 * All steps of a stage come to their end before the next begins, so that nothing is left running unseen. A step that failed leaves
 * out what it is about; without the control plane nothing else can be done.
 * @fails Error of the steps that everything else needs
 */
async function performStage(
  at: Omit<At, 'say'>,
  stage: readonly UpStep[],
  leftOut: Map<string, string>,
): Promise<void> {
  const { session } = at;
  session.signal.throwIfAborted();
  const steps = stage.filter((step) => !leftOut.has(machineOf(step)));
  const ends = await Promise.allSettled(
    steps.map((step) => session.report.step(titleOf(step), step.why, (say) => performUp({ ...at, say }, step))),
  );
  session.signal.throwIfAborted();
  const failures = ends.flatMap((end, i) => {
    const step = steps[i];
    return end.status === 'rejected' && step !== undefined ? [{ step, reason: end.reason as unknown }] : [];
  });
  for (const { step, reason } of failures) leftOut.set(machineOf(step), `${titleOf(step)}: ${messageOf(reason)}`);
  const [cause] = failures.filter(({ step }) => isNeededByAll(step, session.config.controlPlane));
  if (cause !== undefined)
    throw new Error(failures.map(({ step }) => leftOut.get(machineOf(step))).join('\n'), { cause: cause.reason });
}

function isNeededByAll(step: UpStep, controlPlane: string): boolean {
  return step.do === 'wait-for-api' || step.do === 'apply-objects' || machineOf(step) === controlPlane;
}
