import type { Breach, Source } from './read-imports.ts';

/** Files that decide: what they use, and all that they import at run time, is free of clock, chance and I/O. */
export function isDeciding(file: string): boolean {
  return /(^|\/)(plan|choose)-[a-z0-9-]+\.ts$/.test(file);
}

/** Units of time and their text; the rest of clock.ts asks the clock, or waits for it. */
const clock = 'src/unit/clock.ts';
const pureOfClock = ['ms', 'seconds', 'minutes', 'hours', 'formatMs'];

/** Packages that only read and write values. */
const purePackages = ['zod', 'yaml'];

/** By name: a socket, a machine, a cluster or what one of them said last. */
const acting = /^src\/host\/|-(cache|controller|agent|server)\.ts$/;

const uses: readonly (readonly [RegExp, string])[] = [
  [/\bDate\s*(\.\s*now\b|\[|\(\s*\))|=\s*Date\s*[;,)\n]/, 'asks the clock by Date'],
  [/\bnew\s+Date\s*(\(\s*\)|[;,)])/, 'asks the clock by Date'],
  [/\bMath\s*(\.\s*random\b|\[)|=\s*Math\s*[;,)\n]/, 'asks chance by Math.random'],
  [/\bperformance\b/, 'asks the clock by performance.now'],
  [/\b(setTimeout|setInterval|setImmediate|queueMicrotask|fetch)\s*\(/, 'waits, or asks somebody'],
  [/\bcrypto\s*\./, 'asks chance by crypto'],
  [/\b(process|console|globalThis)\b/, 'looks at the process'],
];

/** What a deciding file uses or imports that is not pure. Types are erased, and never asked about. */
export function impurityOf(source: Source, byFile: ReadonlyMap<string, Source>): readonly Breach[] {
  return [
    ...usesOf(source).map((what) => ({ file: source.file, imports: '', why: `a file that decides ${what}` })),
    ...source.imports.flatMap((one) => {
      const why = importImpurity(one, byFile, new Set([source.file]));
      if (why === undefined) return [];
      return [{ file: source.file, imports: one.from, why: `a file that decides imports what is not pure: ${why}` }];
    }),
  ];
}

function usesOf({ code }: Source): readonly string[] {
  return [...new Set(uses.filter(([pattern]) => pattern.test(code)).map(([, what]) => what))];
}

/** Why an import is not pure, itself or by what it imports in turn. */
function importImpurity(
  { from, target, typeOnly, names }: Source['imports'][number],
  byFile: ReadonlyMap<string, Source>,
  seen: Set<string>,
): string | undefined {
  if (typeOnly) return undefined;
  if (target === undefined)
    return purePackages.includes(from) ? undefined : `${from || 'something unreadable'} may do I/O`;
  if (target === clock) {
    const asked = names.filter((name) => !pureOfClock.includes(name));
    return asked.length === 0 ? undefined : `${asked.join(', ')} of ${clock}`;
  }
  if (acting.test(target)) return `${target} acts`;
  const source = byFile.get(target);
  if (source === undefined || seen.has(target)) return undefined;
  seen.add(target);
  const [use] = usesOf(source);
  if (use !== undefined) return `${target} ${use}`;
  for (const one of source.imports) {
    const why = importImpurity(one, byFile, seen);
    if (why !== undefined) return `${target}: ${why}`;
  }
  return undefined;
}
