import { Command } from '@commander-js/extra-typings';
import { outputOption } from './options.ts';
import type { CliTools } from './tools.ts';

export function versionCommand(tools: CliTools) {
  return new Command('version')
    .summary('print the version of this program')
    .description('Prints the version of this program.')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  isthmus version --output json')
    .action(({ output }) => {
      const facts = { isthmus: tools.version, node: process.versions.node };
      tools.out(output === 'json' ? `${JSON.stringify(facts)}\n` : `isthmus ${facts.isthmus} (Node ${facts.node})\n`);
    });
}
