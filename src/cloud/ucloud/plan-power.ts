import type { CloudMachine } from '../compute.ts';

export type PowerVerb = 'start' | 'stop' | 'off' | 'reboot';

export type PowerAction = 'StartUHostInstance' | 'StopUHostInstance' | 'PoweroffUHostInstance' | 'RebootUHostInstance';

export type PowerStep =
  | { readonly do: 'hold'; readonly why: 'already-there' }
  | { readonly do: 'ask'; readonly action: PowerAction }
  | { readonly do: 'refuse'; readonly why: string };

/** What the verb means for a machine in this state. A state that cannot be read is left for the cloud to judge. */
export function planPower(verb: PowerVerb, state: CloudMachine['state']): PowerStep {
  const { action, there, from } = verbs[verb];
  if (there.includes(state)) return { do: 'hold', why: 'already-there' };
  if (from.includes(state) || state === 'unreadable') return { do: 'ask', action };
  return { do: 'refuse', why: `cannot ${verb} a machine that is ${state}; ask again when it is ${from.join(' or ')}` };
}

const verbs: Readonly<
  Record<
    PowerVerb,
    {
      readonly action: PowerAction;
      readonly there: readonly CloudMachine['state'][];
      readonly from: readonly CloudMachine['state'][];
    }
  >
> = {
  start: { action: 'StartUHostInstance', there: ['running', 'starting', 'rebooting'], from: ['stopped'] },
  stop: { action: 'StopUHostInstance', there: ['stopped', 'stopping'], from: ['running'] },
  // Also from `stopping`: a system that hangs in its shutdown is what a power cut is for.
  off: { action: 'PoweroffUHostInstance', there: ['stopped'], from: ['running', 'stopping', 'rebooting', 'failed'] },
  reboot: { action: 'RebootUHostInstance', there: ['rebooting'], from: ['running'] },
};
