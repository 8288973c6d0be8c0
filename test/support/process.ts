import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';

/** A program that runs beside the test; ends with it at the latest. */
export interface Running {
  readonly child: ChildProcess;
  /** Sends the signal and resolves when the process is gone. */
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** @fails Error with the end of its log when the process is gone */
  assertAlive(): Promise<void>;
}

/** @unit log: path of the file that takes both its outputs */
export function start(program: string, args: readonly string[], { cwd, log }: { cwd: string; log: string }): Running {
  const output = openSync(log, 'a');
  // The kernel ends it with us, however we end.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args], { cwd, stdio: ['ignore', output, output] });
  closeSync(output);
  const gone = once(child, 'exit');
  gone.catch(() => undefined);
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null;

  return {
    child,
    async end(signal) {
      if (isGone()) return;
      child.kill(signal);
      await gone;
    },
    async assertAlive() {
      if (!isGone()) return;
      const end = (await readFile(log, 'utf8')).slice(-2000);
      throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${end}`);
    },
  };
}
