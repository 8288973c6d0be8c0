import type { NodeGroupObject } from '#kube/api/node-group.ts';

/** What keeps a group from having the machines that are wanted, where that does not change by itself. */
export function planGroupComplaints({ metadata, status }: NodeGroupObject): readonly string[] {
  const said = status?.conditions?.find(({ type }) => type === 'Scaled');
  if (said === undefined || said.status === 'True' || passing.has(said.reason)) return [];
  return [`node group ${metadata.name}: ${said.message} (${said.reason})`];
}

/** Machines that come or go. */
const passing: ReadonlySet<string> = new Set(['Making', 'Joining', 'Leaving']);
