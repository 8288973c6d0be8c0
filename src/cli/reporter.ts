import type { Report } from '#cluster/report.ts';
import { formatMs, type Ms, ms, seconds } from '#unit/clock.ts';

/** A step that is shorter is told only when it is done. */
const patience = seconds(2);
/** Silence longer than this makes people wonder. */
const reminder = seconds(10);
/** How many of its last lines a failed step shows: enough for the step of a join that failed and the one before it. */
const kept = 20;

/**
 * Plain lines, each with the time since the beginning: the same on a terminal, in a pipe and in a log. A step is one line when it
 * is done; while it takes long it tells now and then what it is at; its own lines are shown as they come with `verbose`, and
 * otherwise only when it fails by itself, not by `signal`.
 */
export function lineReporter(
  print: (text: string) => void,
  { verbose, signal }: { readonly verbose: boolean; readonly signal: AbortSignal },
): Report {
  const began = performance.now();
  const say = (line: string): void => {
    const since = ((performance.now() - began) / 1000).toFixed(1).padStart(6);
    print(`[${since}s] ${line}\n`);
  };
  return {
    say,
    step: async (title, why, work) => {
      const start = performance.now();
      const took = (): Ms => ms(performance.now() - start);
      const lines: string[] = [];
      const hear = (line: string): void => {
        lines.splice(0, lines.length - kept + 1);
        lines.push(line);
        if (verbose) say(`${title} | ${line}`);
      };
      const remind = remindOf(() => say(`${title} ... ${formatMs(took())}, ${clip((lines.at(-1) ?? why).trim())}`));
      if (verbose) say(`${title}: ${why}`);
      try {
        const value = await work(hear);
        say(`${title}: done in ${formatMs(took())}`);
        return value;
      } catch (e) {
        say(`${title}: ${signal.aborted ? 'stopped' : 'failed'} after ${formatMs(took())}`);
        if (!verbose && !signal.aborted) for (const line of lines) say(`${title} | ${line}`);
        throw e;
      } finally {
        remind.end();
      }
    },
    look: (what, work) => whileTelling((line) => say(line.trimEnd()), what, work),
  };
}

/** Tells what is being waited for when it takes long, and nothing otherwise. */
export async function whileTelling<T>(print: (text: string) => void, what: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now();
  const remind = remindOf(() => print(`${what} ... ${formatMs(ms(performance.now() - start))}\n`));
  try {
    return await work();
  } finally {
    remind.end();
  }
}

/** Calls after `patience`, then every `reminder`. */
function remindOf(tell: () => void): { end(): void } {
  let timer = setTimeout(function again() {
    tell();
    timer = setTimeout(again, reminder).unref();
  }, patience).unref();
  return { end: () => clearTimeout(timer) };
}

function clip(text: string): string {
  return text.length <= 200 ? text : `${text.slice(0, 197)}...`;
}

/** One step that has ended, for programs. */
export interface StepTaken {
  readonly step: string;
  readonly seconds: number;
}

/** The same report, which also keeps what was done and how long it took. */
export function keepingSteps(report: Report, steps: StepTaken[]): Report {
  return {
    ...report,
    step: async (title, why, work) => {
      const start = performance.now();
      const value = await report.step(title, why, work);
      steps.push({ step: title, seconds: Math.round(performance.now() - start) / 1000 });
      return value;
    },
  };
}
