import { command } from '../toolchain/command.ts';

/**
 * Runs a shell script with the network of the namespace `name`; stops at the first command that fails.
 * @fails Error with the script and what the command said
 */
export async function inside(name: string, script: string): Promise<string> {
  return command('nsenter', [`--net=/run/netns/${name}`, 'sh', '-euc', script]);
}
