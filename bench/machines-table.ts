import { formatMs, type Ms, ms, seconds } from '#unit/clock.ts';
import { markdown } from './markdown.ts';

/** A cloud machine of the group. @unit Unix milliseconds */
export interface Made {
  readonly name: string;
  /** When the cloud was asked for the last machine of the group: the boot of the others comes out too short rather than too long. */
  readonly called: number;
  /** When its user data began to run. */
  readonly began: number;
  /** When its node was seen Ready. */
  readonly ready: number;
}

export interface MachinesOutcome {
  readonly load: string;
  readonly addedOverLine: Ms;
  readonly addedFromDisk: Ms;
  readonly removed: readonly Ms[];
  /** @unit Unix milliseconds: when the group was scaled */
  readonly asked: number;
  readonly made: readonly Made[];
  readonly cutFor: Ms;
  readonly healed: Ms;
  readonly restarted: number;
}

/** The figures beside what they are to be. */
export function machinesTable(outcome: MachinesOutcome): string {
  const { asked, made, removed, cutFor, restarted } = outcome;
  const { all, own, boot } = groupTimes(asked, made);
  return markdown([
    ['figure', 'aim', 'measured'],
    ['physical machine reachable -> node Ready, bundle on its disk', '<= 15 s', formatMs(outcome.addedFromDisk)],
    ['physical machine reachable -> node Ready, bundle over the line', '<= 45 s', formatMs(outcome.addedOverLine)],
    [
      `${made.length} cloud machines asked for -> all Ready, less what the lab takes to boot each`,
      '<= 30 s',
      formatMs(own),
    ],
    ["the same with the lab's boot time", '', formatMs(all)],
    ['what the lab takes to boot one of them', '', `${formatMs(boot.shortest)} to ${formatMs(boot.longest)}`],
    ['node remove, no pods', '<= 10 s', removed.map((took) => formatMs(took)).join(', ')],
    [
      `heal after a cut of ${formatMs(cutFor)} -> all Ready, pod restarts`,
      '<= 60 s, 0',
      `${formatMs(outcome.healed)}, ${restarted}`,
    ],
    ['load average at the beginning', '', outcome.load],
  ]);
}

/** Until the last one was Ready; the same when the time that each took from the cloud's answer to its first command is taken away; and that time. */
export function groupTimes(
  asked: number,
  made: readonly Made[],
): { readonly all: Ms; readonly own: Ms; readonly boot: { readonly shortest: Ms; readonly longest: Ms } } {
  const boots = made.map(({ called, began }) => began - called);
  return {
    all: ms(Math.max(...made.map(({ ready }) => ready - asked))),
    own: ms(Math.max(...made.map(({ called, began, ready }) => ready - asked - (began - called)))),
    boot: { shortest: ms(Math.min(...boots)), longest: ms(Math.max(...boots)) },
  };
}

/** What is above its aim, so that nobody has to compare. */
export function missedAims({ asked, made, ...outcome }: MachinesOutcome): readonly string[] {
  const aims: readonly [string, Ms, Ms][] = [
    ['node add, bundle on its disk', outcome.addedFromDisk, seconds(15)],
    ['node add, bundle over the line', outcome.addedOverLine, seconds(45)],
    ['cloud machines of a group', groupTimes(asked, made).own, seconds(30)],
    ...outcome.removed.map((took): [string, Ms, Ms] => ['node remove', took, seconds(10)]),
    ['heal after a cut', outcome.healed, seconds(60)],
  ];
  return aims
    .filter(([, took, aim]) => took > aim)
    .map(([what, took, aim]) => `${what}: ${formatMs(took)}, above ${formatMs(aim)}`);
}
