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
    ...byReason(results.filter(({ state }) => state === 'left')),
    ...listOf('Not run, because the lab can’t permit them', limits.lab.map(named)),
    ...listOf('Not run, because the cloud can’t do it', limits.cloud.map(named)),
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

/** Many specs leave themselves out for one reason: a file system that a driver does not have, for example. */
function byReason(left: readonly SpecResult[]): readonly string[] {
  if (left.length === 0) return [];
  const reasons = Map.groupBy(left, ({ why }) => firstLine(why));
  const lines = [...reasons].map(([why, specs]) => `- ${why}: ${specs.map(({ name }) => shortName(name)).join('; ')}`);
  return [`Skipped by their own decision:\n\n${lines.join('\n')}`];
}

/** Without what all specs of a driver begin with. */
function shortName(name: string): string {
  return name.replace(/^External Storage \[Driver: [^\]]*\] /, '');
}

function firstLine(text = 'no reason given'): string {
  return text.split('\n')[0]?.trim() ?? '';
}

/** Of a driver's specs the suite of upstream's that they are of, `provisioning`; else `[sig-network] DNS` of `[sig-network] DNS should provide …`: the special interest group, and its name for the part. */
function areaOf(name: string): string {
  const suite = /^External Storage .*?\[Testpattern: [^\]]*\](?: \[[^\]]*\])* ([\w-]+)/.exec(name)?.[1];
  return suite ?? /^\[[^\]]+\](?: \[[A-Z]+\])?(?: (?!should\b|\[)[A-Z][\w-]*)*/.exec(name)?.[0] ?? name;
}
