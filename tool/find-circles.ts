import type { Source } from './read-imports.ts';

/** One circle of each group of files that import each other, types included: the shortest through its first file. */
export function findCircles(sources: readonly Source[]): readonly (readonly string[])[] {
  const known = new Set(sources.map(({ file }) => file));
  const next = new Map(
    sources.map(({ file, imports }) => [
      file,
      imports.flatMap(({ target }) => (target !== undefined && known.has(target) ? [target] : [])),
    ]),
  );
  const circles: (readonly string[])[] = [];
  const told = new Set<string>();
  for (const file of [...known].sort()) {
    if (told.has(file)) continue;
    const circle = wayBack(file, next);
    if (circle === undefined) continue;
    circles.push(circle);
    for (const one of circle) told.add(one);
  }
  return circles;
}

/** The shortest way from a file over its imports to itself. */
function wayBack(start: string, next: ReadonlyMap<string, readonly string[]>): readonly string[] | undefined {
  const cameFrom = new Map<string, string>();
  const queue = [start];
  for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
    for (const target of next.get(file) ?? []) {
      if (target === start) return [...wayTo(file, start, cameFrom), start];
      if (cameFrom.has(target)) continue;
      cameFrom.set(target, file);
      queue.push(target);
    }
  }
  return undefined;
}

function wayTo(file: string, start: string, cameFrom: ReadonlyMap<string, string>): readonly string[] {
  const way = [file];
  for (let at = file; at !== start; ) {
    at = cameFrom.get(at) ?? start;
    way.unshift(at);
  }
  return way;
}
