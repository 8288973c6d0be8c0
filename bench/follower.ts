import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { formatMs, type Ms } from '#unit/clock.ts';
import type { FollowReport } from './report.ts';

/** A program that follows all pods and reports twice. */
export interface Follower {
  /** The next line of its output. @fails Error when the program ends or the line does not come `within` */
  next(within: Ms): Promise<FollowReport | { readonly phase: 'ready' }>;
  end(): void;
}

export function startFollower([program = '', ...args]: readonly string[]): Follower {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return {
    async next(within) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`${program} told nothing within ${formatMs(within)}`)), within);
      });
      try {
        const { done, value } = await Promise.race([lines.next(), late]);
        if (done) throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode} before its report`);
        return JSON.parse(value);
      } finally {
        clearTimeout(timer);
      }
    },
    end: () => void child.kill('SIGKILL'),
  };
}
