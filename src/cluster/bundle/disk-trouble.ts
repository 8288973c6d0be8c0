import { HostError } from '#host/host.ts';

const codes: readonly unknown[] = ['ENOSPC', 'EDQUOT', 'EROFS', 'EFBIG'];
const words = /No space left on device|Wrote only \d+ of \d+ bytes|Disk quota exceeded|Read-only file system/;

/**
 * The same error, told as trouble of the disk with its cure, when it is that; any other error as it is. Asking the server or
 * carrying the file again would not help.
 * @shape e: of Node's own calls, or of a command that `must` ran; where: the file or folder that was written
 */
export function explainDiskTrouble(e: unknown, where: string): unknown {
  const isDisk = codes.includes((e as NodeJS.ErrnoException).code) || (e instanceof HostError && words.test(e.message));
  if (!isDisk) return e;
  const why = (e as Error).message.replace(/^.*exit code \d+: /s, '').replaceAll('\n', '; ');
  const cure = 'check that there is space and that it can be written to, then run the same command again';
  return new Error(`writing ${where}: ${why}; ${cure}`, { cause: e });
}
