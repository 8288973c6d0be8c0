import { Option } from '@commander-js/extra-typings';
import { checkLabName } from '../fabric/names.ts';

export { outputOption } from '#cli/options.ts';

export function nameOption() {
  return new Option('--name <name>', 'which lab').default('lab').argParser(checkLabName);
}

/** @fails Error when this is not root: namespaces, mounts and control groups are root's */
export function checkRoot(): void {
  if (process.getuid?.() !== 0)
    throw new Error('a lab is made of namespaces and mounts: run this as root, such as with sudo');
}
