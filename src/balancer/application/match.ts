import type { HostMatch, PathMatch, RuleMatch } from '#cloud/application-balancer.ts';

/**
 * Which of two routes is tried first, as Ingress has it: a host before a wildcard, a wildcard before no host; then an exact path, then the
 * longer prefix. Total, so that a plan does not depend on who came first.
 */
export function byPrecedence(a: RuleMatch, b: RuleMatch): number {
  return (
    rankOf(a.host) - rankOf(b.host) ||
    rankOf(a.path) - rankOf(b.path) ||
    lengthOf(b.path) - lengthOf(a.path) ||
    compare(a.host?.text ?? '', b.host?.text ?? '') ||
    compare(a.path?.text ?? '', b.path?.text ?? '')
  );
}

/** Whether a request can be for both. */
export function overlaps(a: RuleMatch, b: RuleMatch): boolean {
  return hostsOverlap(a.host, b.host) && pathsOverlap(a.path, b.path);
}

/** Whether every path of this host is taken. */
export function takesAllPaths({ path }: RuleMatch): boolean {
  return path === undefined || (path.by === 'prefix' && path.text === '/');
}

function rankOf(match: HostMatch | PathMatch | undefined): number {
  return match === undefined ? 2 : match.by === 'exact' ? 0 : 1;
}

function lengthOf(match: PathMatch | undefined): number {
  return match?.text.length ?? 0;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

function hostsOverlap(a: HostMatch | undefined, b: HostMatch | undefined): boolean {
  if (a === undefined || b === undefined || a.by === 'regex' || b.by === 'regex') return true;
  if (a.by === b.by) return a.text === b.text;
  const [exact, wildcard] = a.by === 'exact' ? [a, b] : [b, a];
  return exact.text.replace(/^[^.]+/, '*') === wildcard.text;
}

function pathsOverlap(a: PathMatch | undefined, b: PathMatch | undefined): boolean {
  if (a === undefined || b === undefined || a.by === 'regex' || b.by === 'regex') return true;
  if (a.by === 'exact' && b.by === 'exact') return a.text === b.text;
  return (a.by === 'prefix' && isBelow(b.text, a.text)) || (b.by === 'prefix' && isBelow(a.text, b.text));
}

/** Element by element: `/ab` is not below `/a`. */
function isBelow(path: string, prefix: string): boolean {
  return prefix === '/' || path === prefix || path.startsWith(`${prefix}/`);
}
