import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

/** Shows what would be done and asks, unless `--yes` has answered. @fails CommandFailed when there is nobody to ask */
export function confirmer(tools: CliTools, yes: boolean): (lines: readonly string[]) => Promise<boolean> {
  return async (lines) => {
    tools.err(`${lines.map((line) => `  ${line}`).join('\n')}\n`);
    if (yes) return true;
    if (tools.ask === undefined)
      throw new CommandFailed(
        exitCodes.usage,
        'nothing was done: there is no terminal to ask for confirmation; add --yes to confirm in advance',
      );
    const answer = await tools.ask('Do this? [y/N] ');
    return /^y(es)?$/i.test(answer.trim());
  };
}
