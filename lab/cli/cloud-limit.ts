import { Command } from '@commander-js/extra-typings';
import { formatTable } from '#cli/table.ts';
import { openLab } from '../server/client.ts';
import { limitKinds, parseLimit } from '../ucloud/limits.ts';
import type { ShownLimits } from '../ucloud/ucloud.ts';
import { nameOption, outputOption, usage } from './options.ts';

const kinds = Object.keys(limitKinds);
const meanings = kinds.map((kind) => `  ${kind.padEnd(10)} ${limitKinds[kind]}`).join('\n');
const examples = `
  isthmus lab cloud limit set machines 3
  isthmus lab cloud limit set calls 5/s
  isthmus lab cloud limit set machines none`;

export function limitCommand() {
  const limit = new Command('limit').description('quotas of the account, and the rate limit of the API');
  limit.addCommand(listCommand());
  limit.addCommand(setCommand());
  return limit.addHelpText('after', `\nLimits:\n${meanings}\n\nExamples:${examples}\n  isthmus lab cloud limit list`);
}

function listCommand() {
  return new Command('list')
    .description('list all limits and how much of each is used')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  isthmus lab cloud limit list --output json')
    .action(async ({ name, output }) => show(await (await openLab(name)).cloud.limits(), output));
}

function setCommand() {
  return new Command('set')
    .description('set or remove a limit; existing objects stay')
    .argument('<limit>', kinds.join(', '))
    .argument('<value>', 'a number such as 3, a rate such as 5/s for calls, or none')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText('after', `\nLimits:\n${meanings}\n\nExamples:${examples}`)
    .action(async (kind, value, { name, output }) => {
      const change = usage((text: string) => parseLimit(kind, text))(value);
      show(await (await openLab(name)).cloud.limit(change), output);
    });
}

function show({ limits, used }: ShownLimits, output: 'text' | 'json'): void {
  if (output === 'json') {
    console.log(JSON.stringify({ limits, used }, undefined, 2));
    return;
  }
  const rows = kinds.map((kind) => [
    kind,
    limits[kind] === undefined ? 'none' : `${limits[kind]}${kind === 'calls' ? '/s' : ''}`,
    kind === 'calls' ? '' : String(used[kind]),
  ]);
  console.log(formatTable(['LIMIT', 'VALUE', 'USED'], rows).trimEnd());
}
