import type { Host } from '#host/host.ts';

const marksPath = '/var/lib/isthmus/join-marks.json';

/** What earlier runs on this machine have finished, so that a run after a crash goes on instead of starting over. */
export interface Marks {
  has(step: string, key: string): boolean;
  /** Records that the step is done for this key, before the next begins. */
  set(step: string, key: string): Promise<void>;
}

export async function openMarks(host: Host): Promise<Marks> {
  const text = await host.read(marksPath);
  const marks = (text === undefined ? {} : JSON.parse(text)) as Record<string, string>;
  // Two steps may end at once, and each writes the whole file.
  let writing: Promise<void> = Promise.resolve();
  return {
    has: (step, key) => marks[step] === key,
    set: (step, key) => {
      marks[step] = key;
      writing = writing.then(() => host.write(marksPath, `${JSON.stringify(marks, null, 2)}\n`, { mode: 0o644 }));
      return writing;
    },
  };
}
