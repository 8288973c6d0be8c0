import type { ProcessMark } from '../machine/process-mark.ts';

/** Everything on this computer that carries one lab's name. */
export interface Remains {
  /** The lab's server, and a `lab up` still at work: they would make new things while others are removed. */
  readonly makers: readonly ProcessMark[];
  readonly processes: readonly ProcessMark[];
  readonly namespaces: readonly string[];
  readonly groups: readonly string[];
  readonly mounts: readonly string[];
  readonly loops: readonly string[];
  readonly folders: readonly string[];
}

export type RemovalStep =
  | { readonly do: 'kill'; readonly processes: readonly ProcessMark[]; readonly why: 'makes-more' | 'lives-in-the-lab' }
  | { readonly do: 'delete-namespace' | 'remove-group'; readonly name: string }
  | { readonly do: 'unmount' | 'remove-folder'; readonly path: string }
  | { readonly do: 'detach-loop'; readonly device: string };

/** Whether what a step is for is still there: what went by itself meanwhile is gone, too. */
export function isLeft(step: RemovalStep, seen: Remains): boolean {
  switch (step.do) {
    case 'kill':
      return [...seen.makers, ...seen.processes].some((one) =>
        step.processes.some(({ pid, start }) => pid === one.pid && start === one.start),
      );
    case 'delete-namespace':
      return seen.namespaces.includes(step.name);
    case 'remove-group':
      return seen.groups.includes(step.name);
    case 'unmount':
      return seen.mounts.includes(step.path);
    case 'detach-loop':
      return seen.loops.includes(step.device);
    case 'remove-folder':
      return seen.folders.includes(step.path);
  }
}

/**
 * One round of removal. While processes live, killing them is all that is done: what else there is depends on them, and is
 * looked at again when they are gone.
 */
export function planRemoval(seen: Remains): readonly RemovalStep[] {
  if (seen.makers.length > 0) return [{ do: 'kill', processes: seen.makers, why: 'makes-more' }];
  if (seen.processes.length > 0) return [{ do: 'kill', processes: seen.processes, why: 'lives-in-the-lab' }];
  return [
    ...seen.namespaces.map((name) => ({ do: 'delete-namespace' as const, name })),
    ...seen.groups.map((name) => ({ do: 'remove-group' as const, name })),
    // A later mount may lie on an earlier one.
    ...seen.mounts.toReversed().map((path) => ({ do: 'unmount' as const, path })),
    ...seen.loops.map((device) => ({ do: 'detach-loop' as const, device })),
    // Folders last, and never while something is mounted in them: removal would go on inside the mount.
    ...seen.folders.map((path) => ({ do: 'remove-folder' as const, path })),
  ];
}
