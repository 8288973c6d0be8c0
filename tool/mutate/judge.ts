/** One small wrong edit of a file, and what became of it. */
export interface Mutant {
  readonly file: string;
  /** The first line is 1. */
  readonly line: number;
  readonly mutator: string;
  /** What the edit replaced and what by, on one line. */
  readonly from: string;
  readonly to: string;
  readonly fate: 'killed' | 'timeout' | 'survived';
}

/** A survivor that no test can tell from the right code. It is known by its text: lines move. */
export interface KnownSurvivor {
  readonly file: string;
  readonly mutator: string;
  readonly from: string;
  readonly to: string;
  /** How many such edits the file has; one when left out. */
  readonly times?: number;
  readonly why: string;
}

export interface Judgement {
  readonly file: string;
  readonly mutants: number;
  /** Told by a test: it failed, or never came to its end. */
  readonly killed: number;
  /** Survivors that the list knows. */
  readonly known: number;
  /** Survivors that it does not. */
  readonly unknown: readonly Mutant[];
  /** Entries of the list that no survivor answers to: a test kills it now, or the code has changed. */
  readonly stale: readonly KnownSurvivor[];
  /** Per cent of those that a test could have killed. */
  readonly score: number;
  readonly good: boolean;
}

/** @unit goal: per cent */
export function judge(
  file: string,
  mutants: readonly Mutant[],
  list: readonly KnownSurvivor[],
  goal: number,
): Judgement {
  const entries = list.filter((entry) => entry.file === file);
  const left = mutants.filter(({ fate }) => fate === 'survived');
  const answering = (entry: KnownSurvivor): Mutant[] => left.filter((mutant) => keyOf(mutant) === keyOf(entry));
  const known = entries.flatMap((entry) => answering(entry).slice(0, entry.times ?? 1));
  const unknown = left.filter((mutant) => !known.includes(mutant));
  // A survivor on a busy computer may look like one that never ends.
  const late = (entry: KnownSurvivor): number =>
    mutants.filter((mutant) => mutant.fate === 'timeout' && keyOf(mutant) === keyOf(entry)).length;
  const stale = entries.filter((entry) => answering(entry).length + late(entry) < (entry.times ?? 1));
  const could = mutants.length - known.length;
  const score = could === 0 ? 100 : (100 * (could - unknown.length)) / could;
  return {
    file,
    mutants: mutants.length,
    killed: mutants.length - left.length,
    known: known.length,
    unknown,
    stale,
    score,
    good: score >= goal && stale.length === 0,
  };
}

/** Code on one line, as the list writes it: runs of white space are one space, and a long text is cut. */
export function onOneLine(code: string): string {
  const line = code.replace(/\s+/g, ' ').trim();
  return line.length > 120 ? `${line.slice(0, 117)}...` : line;
}

function keyOf({ mutator, from, to }: Pick<Mutant, 'mutator' | 'from' | 'to'>): string {
  return JSON.stringify([mutator, from, to]);
}
