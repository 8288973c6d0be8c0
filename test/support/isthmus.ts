import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { formatMs, type Ms } from '#unit/clock.ts';

/** The command as a user of a checkout types it. */
export const isthmusCommand = join(import.meta.dirname, '../../bin/isthmus');

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs `isthmus` with these arguments, without a terminal.
 * @fails Error when it has not ended `within`: it is killed, and the error holds what it had printed
 */
export async function isthmus(args: readonly string[], { within }: { readonly within: Ms }): Promise<Ran> {
  const child = spawn(isthmusCommand, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, within);
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearTimeout(timer);
  if (late) throw new Error(`isthmus ${args.join(' ')} had not ended after ${formatMs(within)}:\n${stdout}${stderr}`);
  return { code, stdout, stderr };
}

/** As `isthmus`, for commands that must succeed. @fails Error with everything that it printed */
export async function succeeds(args: readonly string[], opts: { readonly within: Ms }): Promise<string> {
  const { code, stdout, stderr } = await isthmus(args, opts);
  if (code !== 0) throw new Error(`isthmus ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout;
}
