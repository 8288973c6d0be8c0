import * as z from 'zod';
import type { Host } from '#host/host.ts';

const marksPath = '/var/lib/isthmus/join-marks.json';
const format = 'isthmus-join-marks/v1';
const marksSchema = z.object({ format: z.literal(format), marks: z.record(z.string(), z.string()) });

/** What earlier runs on this machine have finished, so that a run after a crash goes on instead of starting over. */
export interface Marks {
  has(step: string, key: string): boolean;
  /** Records that the step is done for this key, before the next begins. */
  set(step: string, key: string): Promise<void>;
}

/**
 * Every step looks at what is there before it does anything, so marks that can't be read cost time and nothing else.
 * @unit say: hears of marks that were left out
 */
export async function openMarks(host: Host, say: (line: string) => void): Promise<Marks> {
  const text = await host.read(marksPath);
  const read = text === undefined ? undefined : readMarks(text);
  if (text !== undefined && read === undefined)
    say(`  ${marksPath} was written by another version of Isthmus or is damaged; all steps are checked again`);
  const marks: Record<string, string> = { ...read };
  // Two steps may end at once, and each writes the whole file.
  let writing: Promise<void> = Promise.resolve();
  return {
    has: (step, key) => marks[step] === key,
    set: (step, key) => {
      marks[step] = key;
      writing = writing.then(() =>
        host.write(marksPath, `${JSON.stringify({ format, marks }, null, 2)}\n`, { mode: 0o644 }),
      );
      return writing;
    },
  };
}

function readMarks(text: string): Readonly<Record<string, string>> | undefined {
  try {
    return marksSchema.safeParse(JSON.parse(text)).data?.marks;
  } catch {
    return undefined;
  }
}
