import type { CloudMachine } from '../compute.ts';

export type RemovalStep =
  | { readonly do: 'stop'; readonly why: 'running' }
  | { readonly do: 'off'; readonly why: 'shutdown-takes-too-long' | 'failed' }
  | { readonly do: 'terminate'; readonly why: 'stopped' }
  | { readonly do: 'wait'; readonly why: CloudMachine['state'] };

/**
 * The next step towards the end of a machine: its system is asked to shut down, because disks of pods may still be
 * mounted; the power is cut when that takes longer than its share; only a stopped machine can be terminated.
 * @shape asked: what the cloud has accepted so far
 */
export function planRemoval(seen: {
  readonly state: CloudMachine['state'];
  readonly asked: readonly ('stop' | 'off')[];
  readonly shutdownIsOverdue: boolean;
}): RemovalStep {
  const { state, asked } = seen;
  switch (state) {
    case 'stopped':
      return { do: 'terminate', why: 'stopped' };
    case 'running':
      return powerCut(seen) ?? (asked.length === 0 ? { do: 'stop', why: 'running' } : { do: 'wait', why: state });
    case 'stopping':
      return powerCut(seen) ?? { do: 'wait', why: state };
    case 'failed':
      return asked.includes('off') ? { do: 'terminate', why: 'stopped' } : { do: 'off', why: 'failed' };
    case 'creating':
    case 'starting':
    case 'rebooting':
    case 'unreadable':
      return { do: 'wait', why: state };
  }
}

function powerCut(seen: { asked: readonly ('stop' | 'off')[]; shutdownIsOverdue: boolean }): RemovalStep | undefined {
  return seen.shutdownIsOverdue && !seen.asked.includes('off')
    ? { do: 'off', why: 'shutdown-takes-too-long' }
    : undefined;
}
