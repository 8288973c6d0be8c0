import { type Host, must } from '#host/host.ts';
import { seconds } from '#unit/clock.ts';
import { type JoinResult, resultPath } from './join.ts';
import { resetMachine } from './reset.ts';

/**
 * Makes this machine again what it was before a join of it that has failed.
 * @shape what could not be undone, empty when all is
 * @fails HostError
 */
export async function undoJoinHere(host: Host, say: (line: string) => void): Promise<readonly string[]> {
  if (await needsReset(host)) return resetMachine(host, say);
  await forgetJoin(host);
  return [];
}

/** The first steps of a join only look, and what a reset would end is not ours then. */
export async function needsReset(host: Host): Promise<boolean> {
  const result = await host.read(resultPath);
  const { steps = [] } = result === undefined ? {} : (JSON.parse(result) as Partial<JoinResult>);
  return steps.some(({ step }) => step === 'identity');
}

/** Of a join that has only looked. */
export async function forgetJoin(host: Host): Promise<void> {
  await must(host, ['rm', '-rf', '/etc/isthmus', '/var/lib/isthmus'], { within: seconds(20) });
}
