import { markdown } from './markdown.ts';
import type { FollowReport } from './report.ts';

export interface Outcome {
  readonly title: string;
  /** The title of the one that it is compared with. */
  readonly peer: string;
  readonly synced: FollowReport;
  readonly changed: FollowReport;
  /** How many lay between the two reports. */
  readonly changes: number;
}

/** Figures and ratios as two Markdown tables, so that they can go into the docs as they are. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const figures = outcomes.map((outcome) => {
    const { title, synced, changed, changes } = outcome;
    return [
      title,
      (synced.rssKiB / 1024).toFixed(0),
      (synced.heapKiB / 1024).toFixed(0),
      (synced.peakKiB / 1024).toFixed(0),
      ((synced.heapKiB * 1024) / synced.objects).toFixed(0),
      ((synced.cpuMs * 1000) / synced.objects).toFixed(0),
      ((changed.cpuMs * 1000) / changes).toFixed(0),
    ];
  });
  const ratios = outcomes.flatMap((outcome) => {
    const peer = outcomes.find(({ title }) => title === outcome.peer);
    if (peer === undefined || peer === outcome) return [];
    const ratio = (of: (one: Outcome) => number): string => (of(outcome) / of(peer)).toFixed(2);
    return [
      [
        `${outcome.title} / ${peer.title}`,
        ratio(({ synced }) => synced.rssKiB),
        ratio(({ synced }) => synced.heapKiB),
        ratio(({ synced }) => synced.peakKiB),
        ratio(({ synced }) => synced.cpuMs),
        ratio(({ changed }) => changed.cpuMs),
      ],
    ];
  });
  const head = ['', 'RSS MiB', 'heap MiB', 'peak MiB', 'heap B an object', 'CPU µs an object', 'CPU µs a change'];
  const ratioHead = ['ratio', 'RSS', 'heap', 'peak', 'CPU an object', 'CPU a change'];
  return `${markdown([head, ...figures])}\n\n${markdown([ratioHead, ...ratios])}`;
}
