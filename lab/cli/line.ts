import { Command } from '@commander-js/extra-typings';
import { explainLine, parseLoss, parseRate } from '../fabric/line-rules.ts';
import { openLab } from '../server/client.ts';
import { nameOption, outputOption, usage } from './options.ts';

export function lineCommand() {
  const line = new Command('line').description('the leased line between cloud and site');
  line.addCommand(statusCommand());
  line.addCommand(changeCommand('cut', 'drop all packets, both directions', { cut: true }));
  line.addCommand(changeCommand('heal', 'remove cut, limit and loss', { cut: false, rateKbit: null, lossPercent: 0 }));
  line.addCommand(
    new Command('rate')
      .description('limit the rate of each direction')
      .argument(
        '<rate>',
        'such as 10mbit, or off',
        usage((text) => ({ rateKbit: parseRate(text) ?? null })),
      )
      .addOption(nameOption())
      .action((change, { name }) => changeLine(name, change)),
  );
  line.addCommand(
    new Command('loss')
      .description('drop a random share of the packets, in each direction')
      .argument(
        '<share>',
        'such as 5%, or off',
        usage((text) => ({ lossPercent: parseLoss(text) })),
      )
      .addOption(nameOption())
      .action((change, { name }) => changeLine(name, change)),
  );
  return line.addHelpText(
    'after',
    '\nExamples:\n  isthmus lab line rate 10mbit\n  isthmus lab line loss 5%\n  isthmus lab line heal',
  );
}

type Change = Parameters<Awaited<ReturnType<typeof openLab>>['changeLine']>[0];

function changeCommand(verb: string, description: string, change: Change) {
  return new Command(verb)
    .description(description)
    .addOption(nameOption())
    .action(({ name }) => changeLine(name, change));
}

async function changeLine(lab: string, change: Change): Promise<void> {
  console.log(`line: ${explainLine(await (await openLab(lab)).changeLine(change))}`);
}

function statusCommand() {
  return new Command('status')
    .description('show the state of the line')
    .addOption(nameOption())
    .addOption(outputOption())
    .action(async ({ name, output }) => {
      const { line } = await (await openLab(name)).status();
      console.log(output === 'json' ? JSON.stringify(line) : `line: ${explainLine(line)}`);
    });
}
