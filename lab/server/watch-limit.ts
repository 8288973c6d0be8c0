import { readFile } from 'node:fs/promises';

const file = '/proc/sys/fs/inotify/max_user_instances';

/**
 * What each kind of machine takes of the kernel's file watchers, all machines of all labs together being one user.
 * @source counted in a running lab: idle 8, with kubelet 15, with the control plane 29
 */
const perMachine = { gateway: 8, node: 15, controlPlane: 29 } as const;

/** Advice when this computer allows fewer file watchers than a lab with a cluster wants; `undefined` when all is well. */
export async function adviseOnWatchers(physicalMachines: number): Promise<string | undefined> {
  return explainWatchers(Number(await readFile(file, 'utf8')), physicalMachines);
}

/** As many again are left free, for another lab and for whatever else root runs here. */
export function explainWatchers(limit: number, physicalMachines: number): string | undefined {
  const cloudNodes = 2;
  const lab = perMachine.gateway + perMachine.controlPlane + perMachine.node * (physicalMachines + cloudNodes);
  if (limit >= 2 * lab) return undefined;
  return `careful: fs.inotify.max_user_instances is ${limit}, and a cluster in this lab takes about ${lab}; if machines say "too many open files", raise it with \`sysctl -w fs.inotify.max_user_instances=1024\``;
}
