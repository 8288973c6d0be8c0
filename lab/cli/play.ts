import { Command } from '@commander-js/extra-typings';
import { CommandFailed, exitCodes } from '#cli/tools.ts';
import { formatMs, minutes, ms } from '#unit/clock.ts';
import { faultsOfLies, lookEveryLie, playFalseAnswers } from '../play/false-answers.ts';
import { faultsOf, formatOutcome, playLineCut } from '../play/line-cut.ts';
import { faultsOfDeath, playMachineDies } from '../play/machine-dies.ts';
import { withUpstreamEviction } from '../play/upstream-eviction.ts';
import { openWorld, removePods, type World } from '../play/world.ts';
import { nameOption, usage } from './options.ts';

export function playCommand() {
  const play = new Command('play').description('play a scenario on the lab’s cluster, and say how it ended');
  play.addCommand(lineCutCommand());
  play.addCommand(machineDiesCommand());
  play.addCommand(falseAnswersCommand());
  return play.addHelpText(
    'after',
    `
The exit code is 0 only if everything was as promised. Pods of the scenario are in the namespace play, and go at its end.

Examples:
  isthmus lab play line-cut --minutes 7
  isthmus lab play line-cut --upstream
  isthmus lab play machine-dies
  isthmus lab play false-answers`,
  );
}

function lineCutCommand() {
  return new Command('line-cut')
    .description('cut the line for longer than Kubernetes waits, ask on the site meanwhile, heal it')
    .addOption(nameOption())
    .option('--cluster <name>', 'which cluster, when the lab has several')
    .option('--minutes <n>', 'how long; Kubernetes deletes pods after six', usage(minutesOf), minutes(7))
    .option('--upstream', "with Kubernetes' own eviction beside ours, to see what it does")
    .action(({ name, cluster, minutes: lasts, upstream }) =>
      onStage(name, cluster, async (world) => {
        const cut = () => playLineCut(world, lasts);
        const outcome = upstream === true ? await withUpstreamEviction(world, cut) : await cut();
        console.log(formatOutcome(upstream === true ? "Kubernetes' own eviction" : 'Isthmus', outcome));
        return faultsOf(outcome);
      }),
    );
}

function machineDiesCommand() {
  return new Command('machine-dies')
    .description('cut the power of a machine of the site, and wait until its pods are replaced')
    .addOption(nameOption())
    .option('--cluster <name>', 'which cluster, when the lab has several')
    .action(({ name, cluster }) =>
      onStage(name, cluster, async (world) => {
        const outcome = await playMachineDies(world);
        const { machine, deleted, replaced } = outcome;
        console.log(`${machine}: pods deleted after ${formatMs(deleted)}, replaced after ${formatMs(replaced)}`);
        return faultsOfDeath(outcome);
      }),
    );
}

function falseAnswersCommand() {
  return new Command('false-answers')
    .description('silence the kubelet of a cloud machine, and let the cloud answer falsely in one way after the other')
    .addOption(nameOption())
    .option('--cluster <name>', 'which cluster, when the lab has several')
    .option(
      '--minutes <n>',
      'how long each; a Node is deleted after two minutes of not-founds',
      usage(minutesOf),
      minutes(3),
    )
    .action(({ name, cluster, minutes: lasts }) =>
      onStage(name, cluster, async (world) =>
        faultsOfLies(await playFalseAnswers(world, { lasts, every: lookEveryLie })),
      ),
    );
}

async function onStage(
  lab: string,
  cluster: string | undefined,
  scenario: (world: World) => Promise<readonly string[]>,
): Promise<void> {
  const begun = performance.now();
  const world = await openWorld(lab, cluster, (line) =>
    console.log(`${formatMs(ms(performance.now() - begun)).padStart(12)}  ${line}`),
  );
  const faults = await played(world, scenario);
  for (const fault of faults) console.log(`NOT AS PROMISED: ${fault}`);
  if (faults.length > 0) throw new CommandFailed(exitCodes.failed);
  console.log('as promised');
}

async function played<T>(world: World, scenario: (world: World) => Promise<T>): Promise<T> {
  try {
    return await scenario(world);
  } finally {
    await removePods(world.kubectl);
  }
}

function minutesOf(text: string) {
  const value = Number(text);
  if (!(value > 0 && value <= 60)) throw new Error(`--minutes ${text}: write a number up to 60, such as 7`);
  return minutes(value);
}
