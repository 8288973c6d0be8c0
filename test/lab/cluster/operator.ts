import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { deskOf } from '#lab/cli/office.ts';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { readSettings } from '#lab/server/settings.ts';
import { formatMs, type Ms } from '#unit/clock.ts';
import { isthmusCommand } from '../../support/isthmus.ts';

/** Where an operator sits; the desk of the lab's office unless told. */
export interface Seat {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** The name of the operator's computer; this one's unless told. */
  readonly host?: string;
}

/** An `isthmus` at the operator's desk, as a process of its own that a signal reaches. */
export interface AtWork {
  readonly child: ChildProcess;
  /** Everything it has said so far, both streams. */
  said(): string;
  /** Resolves at its end. @fails Error with what it said when it has not ended in time; it is killed then */
  end(within: Ms): Promise<{ readonly code: number | null; readonly said: string }>;
}

/** Starts `isthmus ARGS` in the office of a lab. `onLine` hears each line as it is printed. */
export async function operatorStarts(
  lab: string,
  args: readonly string[],
  { seat = {}, onLine = () => undefined }: { seat?: Seat; onLine?: (line: string, child: ChildProcess) => void } = {},
): Promise<AtWork> {
  const desk = deskOf(await readSettings(lab));
  const command = [isthmusCommand, ...args];
  const named = ['unshare', '--uts', 'sh', '-c', 'hostname "$0"; exec "$@"', seat.host ?? '', ...command];
  const [program = '', ...rest] = enterNetwork(markOf(lab, 'office'), seat.host === undefined ? command : named);
  const env = { ...process.env, ...desk.env, ...seat.env };
  const child = spawn(program, rest, { cwd: seat.cwd ?? desk.cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', (line) => {
      said += `${line}\n`;
      onLine(line, child);
    });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return {
    child,
    said: () => said,
    async end(within) {
      let late = false;
      const limit = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, within);
      const code = await ended;
      clearTimeout(limit);
      if (late) throw new Error(`isthmus ${args.join(' ')} had not ended after ${formatMs(within)}:\n${said}`);
      return { code, said };
    },
  };
}
