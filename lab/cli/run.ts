import { spawn } from 'node:child_process';
import { constants } from 'node:os';

/**
 * Runs a command with this terminal and ends this process as it ended: same exit code, 128 and the number for a signal.
 * Ctrl-C is the command's to take; it reaches both, being of one terminal.
 */
export async function become(
  [program, ...args]: readonly string[],
  { env = {}, cwd }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<never> {
  if (program === undefined) throw new Error('no command given; write it after --, such as -- ip address');
  process.on('SIGINT', () => {});
  const child = spawn(program, args, { stdio: 'inherit', cwd, env: { ...process.env, ...env } });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', (cause) => reject(new Error(`${program} can't be started: ${cause.message}`, { cause })));
    child.once('exit', (status, signal) => resolve(status ?? 128 + constants.signals[signal as NodeJS.Signals]));
  });
  process.exit(code);
}

/** The arguments of a command that is run for somebody; `--` in front of them is allowed and not part of them. */
export function ownArguments(given: readonly string[]): readonly string[] {
  return given[0] === '--' ? given.slice(1) : given;
}
