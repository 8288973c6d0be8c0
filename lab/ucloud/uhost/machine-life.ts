/** The states that DescribeUHostInstance reports, spelled as it spells them. */
export type PowerState =
  | 'Initializing'
  | 'Starting'
  | 'Running'
  | 'Stopping'
  | 'Stopped'
  | 'Rebooting'
  | 'Install Fail';

/** What is being done to a machine. */
export type Job = 'install' | 'start' | 'stop' | 'off' | 'reboot' | 'end';

/** What a machine reports, and the work behind it; `job` absent: at rest. */
export interface Life {
  readonly state: PowerState;
  readonly job: Job | undefined;
}

interface Rule {
  readonly from: readonly PowerState[];
  /** What is reported while the job runs, and after it went well or badly. */
  readonly shows: PowerState;
  readonly after: PowerState;
  readonly orElse: PowerState;
  /** RetCode for a machine in any other state. */
  readonly refused: number;
}

/**
 * 8905: wrong power state; 8856: must be stopped before deletion. `off` is the way out of a stop that hangs and of a
 * failed installation, which can then be terminated.
 */
const rules: Readonly<Record<Job, Rule>> = {
  install: { from: [], shows: 'Initializing', after: 'Running', orElse: 'Install Fail', refused: 8905 },
  start: { from: ['Stopped'], shows: 'Starting', after: 'Running', orElse: 'Stopped', refused: 8905 },
  stop: { from: ['Running'], shows: 'Stopping', after: 'Stopped', orElse: 'Running', refused: 8905 },
  off: {
    from: ['Running', 'Stopping', 'Install Fail'],
    shows: 'Stopping',
    after: 'Stopped',
    orElse: 'Running',
    refused: 8905,
  },
  reboot: { from: ['Running'], shows: 'Rebooting', after: 'Running', orElse: 'Running', refused: 8905 },
  end: { from: ['Stopped'], shows: 'Stopped', after: 'Stopped', orElse: 'Stopped', refused: 8856 },
};

export const newborn: Life = { state: rules.install.shows, job: 'install' };

/** The life after an order was accepted, or the RetCode that refuses it. */
export function orderJob(life: Life, job: Exclude<Job, 'install'>): Life | { readonly refused: number } {
  const rule = rules[job];
  const busy = life.job !== undefined && !(job === 'off' && life.job === 'stop');
  if (busy || !rule.from.includes(life.state)) return { refused: rule.refused };
  return { state: rule.shows, job };
}

/** The life when `job` has ended; unchanged if another job took over, as power-off does with a stop. */
export function endJob(life: Life, job: Job, how: 'done' | 'failed'): Life {
  if (life.job !== job) return life;
  return { state: how === 'done' ? rules[job].after : rules[job].orElse, job: undefined };
}

/** An installation has two parts: the disk is written, then the machine starts. */
export function diskWritten(life: Life): Life {
  return life.job === 'install' ? { state: 'Starting', job: 'install' } : life;
}

/** What a look at the power tells: a guest that shut itself down is Stopped. Says nothing while a job runs. */
export function seenPower(life: Life, isOn: boolean): Life {
  return life.job === undefined && life.state === 'Running' && !isOn ? { state: 'Stopped', job: undefined } : life;
}
