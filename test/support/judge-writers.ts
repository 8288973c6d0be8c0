/** What a pod wrote to its volume. */
export interface Written {
  readonly n: number;
  readonly pod: string;
}

/** What the same pod noted beside its volume, on the machine that it ran on, after the write was on the disk. */
export interface Noted extends Written {
  /** By the clock that all machines of a lab share. @unit seconds since the computer has booted, in hundredths */
  readonly at: number;
}

/**
 * What a volume and the notes of its writers say against the promise that there is one writer at a time and that nothing which was on the disk is lost.
 * Writers count: each goes on from the last number that it finds on the volume.
 * @shape empty when the promise was kept
 */
export function judgeWriters(volume: readonly Written[], notes: readonly Noted[]): readonly string[] {
  const faults: string[] = [];
  for (const [i, { n, pod }] of volume.entries())
    if (n !== i + 1) faults.push(`line ${i + 1} of the volume is number ${n} of ${pod}`);
  const inOrder = notes.toSorted((a, b) => a.at - b.at || a.n - b.n);
  for (const { n, pod } of inOrder) {
    const there = volume[n - 1];
    if (there === undefined) faults.push(`number ${n} of ${pod} was on the disk, and is lost`);
    else if (there.pod !== pod) faults.push(`number ${n} of ${pod} was on the disk, and is now of ${there.pod}`);
  }
  for (const [i, { n, pod }] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before !== undefined && before.n >= n)
      faults.push(`${pod} wrote number ${n} after ${before.pod} had written number ${before.n}`);
  }
  return faults;
}

/** @unit text: lines `7 pod` */
export function parseVolume(text: string): readonly Written[] {
  return linesOf(text).map(([n = '', pod = '']) => ({ n: Number(n), pod }));
}

/** @unit text: lines `7 pod 4321.09` */
export function parseNotes(text: string): readonly Noted[] {
  return linesOf(text).map(([n = '', pod = '', at = '0']) => ({ n: Number(n), pod, at: Number(at) }));
}

function linesOf(text: string): readonly (readonly string[])[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '));
}
