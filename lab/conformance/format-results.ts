import type { Limit, Limits } from './limits.ts';
import type { SpecResult } from './read-report.ts';

/** Results by area, then everything that was not passed with its reason. Markdown, so that it also fits into a page. */
export function formatResults(results: readonly SpecResult[], limits: Limits): string {
  const areas = Map.groupBy(results, ({ name }) => areaOf(name));
  const rows = [...areas].map(([area, specs]) => row(area, specs));
  const table = ['| area | passed | failed | skipped |', '|---|---|---|---|', ...rows, row('**all**', results)];
  return [
    table.join('\n'),
    ...listOf(
      'Failed',
      results.filter(({ state }) => state === 'failed'),
    ),
    ...listOf(
      'Skipped by their own decision',
      results.filter(({ state }) => state === 'left'),
    ),
    ...listOf('Not run, because the lab can’t permit them', limits.lab.map(named)),
    ...listOf('Not run, because a load balancer of the cloud can’t do it', limits.cloud.map(named)),
  ].join('\n\n');
}

function named({ spec, why }: Limit): { readonly name: string; readonly why: string } {
  return { name: spec, why };
}

function row(area: string, specs: readonly SpecResult[]): string {
  const count = (wanted: SpecResult['state']): number => specs.filter(({ state }) => state === wanted).length;
  return `| ${area} | ${count('passed')} | ${count('failed')} | ${count('left')} |`;
}

function listOf(title: string, specs: readonly { readonly name: string; readonly why?: string }[]): readonly string[] {
  if (specs.length === 0) return [];
  return [`${title}:\n\n${specs.map(({ name, why }) => `- ${name}: ${firstLine(why)}`).join('\n')}`];
}

function firstLine(text = 'no reason given'): string {
  return text.split('\n')[0]?.trim() ?? '';
}

/** `[sig-network] DNS` of `[sig-network] DNS should provide …`: the special interest group, and its name for the part. */
function areaOf(name: string): string {
  return /^\[[^\]]+\](?: \[[A-Z]+\])?(?: (?!should\b|\[)[A-Z][\w-]*)*/.exec(name)?.[0] ?? name;
}
