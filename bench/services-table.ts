import type { Call } from '#lab/ucloud/gateway/gateway.ts';
import { formatMs, ms } from '#unit/clock.ts';
import { markdown } from './markdown.ts';

/** What it took to bring the cloud to what was written. */
export interface Phase {
  /** @unit milliseconds */
  readonly writing: number;
  /** After the last write. @unit milliseconds */
  readonly took: number;
  readonly calls: readonly Call[];
}

export interface ServicesOutcome {
  readonly title: string;
  readonly made: Phase;
  readonly changed: Phase;
  /** Whether the nodes at the end are others than at the beginning. */
  readonly isChanged: boolean;
  /** Calls in two spans of ten seconds, after either phase. */
  readonly idle: number;
}

/** Figures, ratios to the first outcome, and which calls they were made of. */
export function servicesTable(
  outcomes: readonly ServicesOutcome[],
  size: { readonly services: number; readonly changes: number; readonly rate: number },
): string {
  const { services, changes, rate } = size;
  // Each Service needs at least a listener and its back ends, and another action may go on beside: as many calls of one action as Services.
  const floor = (services / rate) * 1000;
  const head = [
    '',
    `${services} Services`,
    'times the limit',
    'calls a Service',
    'too many',
    `${changes} node changes, after the last`,
    'times the limit',
    'calls a change',
    'too many',
    'calls in 20 s of idling',
  ];
  const figures = outcomes.map(({ title, made, changed, isChanged, idle }) => [
    title,
    ...cells(made, services, floor),
    // From the nodes before to those after, each Service needs one call, unless they are the same.
    ...cells(changed, changes, isChanged ? floor : undefined),
    `${idle}`,
  ]);
  const [peer, ...others] = outcomes;
  const ratios = others.map((one) => {
    const ratio = (of: (outcome: ServicesOutcome) => number): string =>
      peer === undefined ? '' : (of(one) / of(peer)).toFixed(3);
    return [
      `${one.title} / ${peer?.title}`,
      ratio(({ made }) => made.took),
      ratio(({ made }) => made.calls.length),
      ratio(({ changed }) => changed.took),
      ratio(({ changed }) => changed.calls.length),
    ];
  });
  const ratioHead = ['ratio', `time for ${services} Services`, 'calls', `time for ${changes} node changes`, 'calls'];
  const actions = outcomes.map(({ title, made, changed }) => [title, byAction(made), byAction(changed)]);
  return [
    markdown([head, ...figures]),
    markdown([ratioHead, ...ratios]),
    markdown([['calls', `${services} Services`, `${changes} node changes`], ...actions]),
  ].join('\n\n');
}

function cells({ took, calls }: Phase, per: number, floor: number | undefined): readonly string[] {
  return [
    formatMs(ms(took)),
    floor === undefined ? 'no call needed' : (took / floor).toFixed(2),
    (calls.length / per).toFixed(2),
    `${calls.filter(({ code }) => code === 153).length}`,
  ];
}

function byAction({ calls }: Phase): string {
  return [...Map.groupBy(calls, ({ action }) => action)]
    .toSorted(([, a], [, b]) => b.length - a.length)
    .map(([action, some]) => `${some.length} ${action}`)
    .join(', ');
}
