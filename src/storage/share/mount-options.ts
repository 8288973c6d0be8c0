/**
 * How a file share is mounted where nobody says otherwise. No lock daemon of NFSv3 is needed, a server that is away is waited for, and a source port that
 * changes lets a connection come back through the cloud's address translation.
 * @source UCloud product manual of UK8S, UFS volumes (nolock,nfsvers=4.0); of UFS, mounting (hard, timeo, retrans, noresvport)
 */
export const usualOptions = ['nolock', 'nfsvers=4.0', 'hard', 'timeo=600', 'retrans=2', 'noresvport'] as const;

/** Options that contradict one of ours under another name. */
const families: readonly (readonly string[])[] = [
  ['lock', 'nolock'],
  ['nfsvers', 'vers', 'minorversion', 'v4.0', 'v4.1', 'v4.2'],
  ['hard', 'soft', 'softerr', 'softreval'],
  ['resvport', 'noresvport'],
];

/** Those that were asked for, and of the usual ones all that they do not speak of. */
export function mountOptions(asked: readonly string[]): readonly string[] {
  const named = new Set(asked.flatMap((option) => familyOf(nameOf(option))));
  return [...usualOptions.filter((option) => !named.has(nameOf(option))), ...asked];
}

function familyOf(name: string): readonly string[] {
  return families.find((one) => one.includes(name)) ?? [name];
}

function nameOf(option: string): string {
  return option.split('=', 1)[0] ?? option;
}
