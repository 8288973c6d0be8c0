import type { Call } from '#lab/ucloud/gateway/gateway.ts';
import { formatMs, ms } from '#unit/clock.ts';
import { markdown } from './markdown.ts';
import { type PhaseName, phases, type Times } from './storage-world.ts';

export interface StorageOutcome {
  readonly title: string;
  readonly volumes: number;
  readonly phases: Readonly<Record<PhaseName, { readonly times: Times; readonly calls: readonly Call[] }>>;
  readonly programs: readonly Used[];
}

/** What a program used from its start on. */
export interface Used {
  readonly program: string;
  /** @unit seconds */
  readonly cpu: number;
  /** The most at a time. */
  readonly peakKiB: number;
}

/** Figures of each phase, ratios to the first outcome, which calls they were made of, and what the programs used. */
export function storageTable(outcomes: readonly StorageOutcome[]): string {
  const head = ['', ...phases.flatMap((phase) => [`${phase}: volumes/s`, 'p50', 'p99', 'calls a volume'])];
  const figures = outcomes.map((outcome) => [
    `${outcome.title}, ${outcome.volumes} volumes`,
    ...phases.flatMap((phase) => {
      const { times, calls } = outcome.phases[phase];
      return [
        rateOf(outcome, phase).toFixed(1),
        formatMs(ms(percentile(times.each, 0.5))),
        formatMs(ms(percentile(times.each, 0.99))),
        (calls.length / outcome.volumes).toFixed(2),
      ];
    }),
  ]);
  const [peer, ...others] = outcomes;
  const ratios = others.map((one) => [
    `${one.title} / ${peer?.title}`,
    ...phases.map((phase) => (peer === undefined ? '' : (rateOf(one, phase) / rateOf(peer, phase)).toFixed(1))),
  ]);
  const actions = outcomes.map(({ title, phases: seen }) => [
    title,
    ...phases.map((phase) => byAction(seen[phase].calls)),
  ]);
  const used = outcomes.map(({ title, volumes, programs }) => [
    title,
    ...programs.map(
      ({ cpu, peakKiB }) => `${((cpu / volumes) * 1000).toFixed(0)} ms, ${(peakKiB / 1024).toFixed(0)} MiB`,
    ),
  ]);
  return [
    markdown([head, ...figures]),
    markdown([['ratio of volumes/s', ...phases], ...ratios]),
    markdown([['calls', ...phases], ...actions]),
    markdown([['CPU a volume, most memory', ...(peer?.programs ?? []).map(({ program }) => program)], ...used]),
  ].join('\n\n');
}

function rateOf({ volumes, phases: seen }: StorageOutcome, phase: PhaseName): number {
  return (volumes * 1000) / seen[phase].times.took;
}

/** @unit sorted: in order; share: 0.5 for the median */
export function percentile(sorted: readonly number[], share: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
}

function byAction(calls: readonly Call[]): string {
  return [...Map.groupBy(calls, ({ action }) => action)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([action, some]) => `${some.length} ${action}`)
    .join(', ');
}
