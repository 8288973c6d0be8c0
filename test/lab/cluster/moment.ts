import { stepKinds } from '#cluster/up/plan-up.ts';

/** Where `up` is by its own progress lines: a step of this kind begins, or has been done. */
export type Moment = `${'begin' | 'end'} ${string}`;

/** `[   3.2s] create cloud machine cp-1: done in 3.1 s`; `undefined` for all other lines. */
export function parseMoment(line: string): Moment | undefined {
  const [, title, rest] = /^\[ *[\d.]+s\] ([^:|]+): (.*)$/.exec(line.trimEnd()) ?? [];
  const found = stepKinds.find(({ words }) => title === words || title?.startsWith(`${words} `));
  if (found === undefined || rest === undefined || title?.includes(' ... ')) return undefined;
  if (/^(stopped|failed) after /.test(rest)) return undefined;
  return `${rest.startsWith('done in ') ? 'end' : 'begin'} ${found.kind}`;
}

/** Every moment at which `up` can be killed. */
export const allMoments: readonly Moment[] = stepKinds.flatMap(({ kind }): Moment[] => [
  `begin ${kind}`,
  `end ${kind}`,
]);
