import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { seconds, sleep } from '#unit/clock.ts';

const client = join(import.meta.dirname, 'load-client.ts');

export interface LoadTold {
  readonly asked: number;
  readonly answered: number;
  readonly failed: number;
  /** Requests over connections that are kept for 20 s. */
  readonly overHeld: number;
  readonly failedOverHeld: number;
  readonly slowestMs: number;
  /** Requests that were not sent in time, and how late the clients themselves were at worst. */
  readonly skipped: number;
  readonly lateMs: number;
  readonly seconds: number;
  /** When the first and the last that failed were sent, in seconds since the beginning; empty when none did. */
  readonly failing: readonly number[];
  /** By what they said. */
  readonly answers: Readonly<Record<string, number>>;
  /** The first of them, with the time since the beginning. */
  readonly failures: readonly string[];
}

/** Clients on the internet of a lab that ask a URL `perSecond` times a second until `end`. */
export function startLoad(lab: string, url: string, perSecond: number): { end(): Promise<LoadTold> } {
  const [program = '', ...args] = enterNetwork(markOf(lab, 'internet'), [
    // Clients have computers of their own: what else this one does must not keep them from asking.
    'nice',
    '-n',
    '-15',
    process.execPath,
    client,
    url,
    String(perSecond),
  ]);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  return {
    async end() {
      child.stdin.end();
      const code = await ended;
      if (code !== 0) throw new Error(`the clients ended with ${code}: ${said}`);
      return JSON.parse(said) as LoadTold;
    },
  };
}

/**
 * Asks a URL `perSecond` times a second from 5 s before something is done to 5 s after, and prints how it went.
 * @fails Error when the clients asked less than was wanted: then nothing was proved
 */
export async function underLoad(
  lab: string,
  url: string,
  perSecond: number,
  work: () => Promise<void>,
): Promise<LoadTold> {
  const load = startLoad(lab, url, perSecond);
  let told: LoadTold;
  try {
    await sleep(seconds(5));
    await work();
    await sleep(seconds(5));
  } finally {
    told = await load.end();
    console.log(JSON.stringify({ url, ...told }));
  }
  if (told.asked < told.seconds * 0.8 * perSecond || told.overHeld < told.seconds * 2)
    throw new Error(
      `the clients asked ${told.asked} times and ${told.overHeld} over held connections in ${told.seconds} s`,
    );
  return told;
}
