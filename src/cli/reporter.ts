import type { Report } from '#cluster/report.ts';
import { formatMs, type Ms, ms, seconds } from '#unit/clock.ts';

/** Silence longer than this makes people wonder. */
const patience = seconds(10);

/** Plain lines, each with the time since the beginning: the same on a terminal, in a pipe and in a log. */
export function lineReporter(print: (text: string) => void): Report {
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
      say(`${title}: ${why}`);
      let spoke = start;
      const reassure = setInterval(() => {
        if (performance.now() - spoke >= patience) say(`${title}: still at it after ${formatMs(took())}`);
      }, patience);
      reassure.unref();
      try {
        const value = await work((line) => {
          spoke = performance.now();
          say(`${title} | ${line}`);
        });
        say(`${title}: done in ${formatMs(took())}`);
        return value;
      } catch (e) {
        say(`${title}: failed after ${formatMs(took())}`);
        throw e;
      } finally {
        clearInterval(reassure);
      }
    },
  };
}
