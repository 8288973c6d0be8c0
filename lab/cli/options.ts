import { Option } from '@commander-js/extra-typings';
import { CommandFailed, exitCodes } from '#cli/tools.ts';
import { checkLabName } from '../fabric/names.ts';

export { outputOption } from '#cli/options.ts';

export function nameOption() {
  return new Option('--name <name>', 'name of the lab').default('lab').argParser(usage(checkLabName));
}

/** What is wrong with a word of the command line is told as such: exit code 2, nothing was tried. */
export function usage<From, T>(parse: (given: From) => T): (given: From) => T {
  return (given) => {
    try {
      return parse(given);
    } catch (e) {
      throw new CommandFailed(exitCodes.usage, (e as Error).message);
    }
  };
}

/** @fails CommandFailed when this is not root: namespaces, mounts and control groups are root's */
export function checkRoot(): void {
  if (process.getuid?.() !== 0)
    throw new CommandFailed(
      exitCodes.usage,
      'a lab is made of namespaces and mounts: run this as root, such as with sudo',
    );
}
