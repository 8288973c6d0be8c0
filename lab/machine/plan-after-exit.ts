/** How the process that held a machine's init ended: by itself with a status, or by a signal. */
export interface Ending {
  readonly status: number | null;
  readonly signal: string | null;
}

export type AfterExit =
  | { readonly do: 'boot-again'; readonly why: 'rebooted' }
  | { readonly do: 'stay-off'; readonly why: 'powered-off' | 'power-cut' | 'crashed' };

/**
 * What a machine's power does when its init is gone. In a pid namespace the kernel turns reboot(2) into a signal that ends
 * init: SIGHUP for a restart, SIGINT for halt and power-off.
 * @source reboot(2), "Behavior inside PID namespaces"; `script --return` adds 128 to the signal's number
 */
export function planAfterExit(ended: Ending, asked: { readonly off: boolean }): AfterExit {
  if (asked.off) return { do: 'stay-off', why: endedBy(ended, 'SIGINT', 2) ? 'powered-off' : 'power-cut' };
  if (endedBy(ended, 'SIGHUP', 1)) return { do: 'boot-again', why: 'rebooted' };
  if (endedBy(ended, 'SIGINT', 2)) return { do: 'stay-off', why: 'powered-off' };
  return { do: 'stay-off', why: 'crashed' };
}

function endedBy(ended: Ending, signal: string, number: number): boolean {
  return ended.signal === signal || ended.status === 128 + number;
}
