import { command } from '../toolchain/command.ts';

/**
 * Runs a shell script with the network of the namespace `name`; stops at the first command that fails.
 * @fails Error with the script and what the command said
 */
export async function inside(name: string, script: string): Promise<string> {
  return command('nsenter', [`--net=/run/netns/${name}`, 'sh', '-euc', script]);
}

/** The script that removes links which may be gone already. */
export function deleteLinks(names: readonly string[]): string {
  return names.map((name) => `if ip link show ${name} >/dev/null 2>&1; then ip link del ${name}; fi`).join('\n');
}
