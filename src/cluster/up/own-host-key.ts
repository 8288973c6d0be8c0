import { type Host, must } from '#host/host.ts';
import { formatHostKey, type HostKey, parseHostKey } from '#host/host-key.ts';
import { HostKeyChanged } from '#host/ssh.ts';
import { ms, seconds, waitFor } from '#unit/clock.ts';
import type { State } from '../state/state.ts';

/** A machine whose first host key the operator has made. */
export interface MadeMachine {
  readonly name: string;
  readonly state: Pick<
    State,
    'pinned' | 'pin' | 'hostKeyMade' | 'expectHostKey' | 'hostKeyExpected' | 'forgetHostKeys'
  >;
  /** Opens it over SSH, by the host key that is pinned. @fails HostKeyChanged · HostError */
  readonly reach: () => Promise<Host>;
  readonly signal: AbortSignal;
}

/** Where a machine keeps its host key, and the shell command that lets its sshd read it again. */
export interface KeyPlace {
  readonly path: string;
  readonly reload: string;
}

const openSsh: KeyPlace = {
  path: '/etc/ssh/ssh_host_ed25519_key',
  reload: 'systemctl reload ssh 2>/dev/null || systemctl reload sshd',
};

/**
 * Reaches the machine, and gives it a host key that has never left it: the first one came by user data, which the cloud keeps for
 * as long as the machine lives. After a crash at any place it can be called again.
 *
 * The machine makes the new key beside the one in use; its public half is noted here before sshd changes over, so that whichever
 * of the two the machine shows next is known; what is kept of the first is removed when the new one has been seen.
 * @fails HostKeyChanged · HostError
 */
export async function reachWithOwnHostKey(machine: MadeMachine, place = openSsh): Promise<Host> {
  const { name, state } = machine;
  const host = await reachByEither(machine);
  try {
    const made = await state.hostKeyMade(name);
    if (made === undefined) return host;
    if (!isSame(await state.pinned(name), made)) {
      await state.forgetHostKeys(name);
      return host;
    }
    const next = parseHostKey(await must(host, ['sh', '-c', makeNext, place.path], { within: seconds(30) }));
    if (next === undefined)
      throw new Error(`${name}: ${place.path}.next.pub is not a host key; remove it on the machine`);
    await state.expectHostKey(name, next);
    await must(host, ['sh', '-c', `${useNext}${place.reload}`, place.path, next.blob], { within: seconds(30) });
  } catch (e) {
    await host.close();
    throw e;
  }
  await host.close();
  const again = await reachWithNext(machine);
  await state.forgetHostKeys(name);
  return again;
}

/** Reads the key before sshd has changed over, and after. */
async function reachByEither({ name, state, reach }: MadeMachine): Promise<Host> {
  try {
    return await reach();
  } catch (e) {
    const expected = e instanceof HostKeyChanged ? await state.hostKeyExpected(name) : undefined;
    if (expected === undefined || !isSame((e as HostKeyChanged).shown, expected)) throw e;
    await state.pin(name, expected);
    return reach();
  }
}

/** sshd reads its keys a moment after it was told to. */
function reachWithNext(machine: MadeMachine): Promise<Host> {
  const { name, state, signal } = machine;
  const look = async (): Promise<Host | undefined> => {
    const host = await reachByEither(machine);
    if (isSame(await state.pinned(name), await state.hostKeyExpected(name))) return host;
    await host.close();
    return undefined;
  };
  return waitFor(`${name} to show its new SSH host key`, look, { within: seconds(60), every: ms(500), signal });
}

function isSame(one: HostKey | undefined, other: HostKey | undefined): boolean {
  return one !== undefined && other !== undefined && formatHostKey(one) === formatHostKey(other);
}

/** One that is there already is used: an earlier run may have noted it. Its public half comes last and tells that both are whole. */
const makeNext = `set -e
umask 077
if [ ! -s "$0.next.pub" ]; then
  rm -f "$0.next" "$0.making" "$0.making.pub"
  ssh-keygen -q -t ed25519 -N '' -C "$(hostname)" -f "$0.making"
  mv -f "$0.making" "$0.next"
  mv -f "$0.making.pub" "$0.next.pub"
fi
cat "$0.next.pub"
`;

/** What was moved by a run that was cut off stays moved. Another key than the one that was noted is never put in place. */
const useNext = `set -e
if [ -e "$0.next.pub" ]; then
  grep -qF "$1" "$0.next.pub"
  if [ -e "$0.next" ]; then mv -f "$0.next" "$0"; fi
  mv -f "$0.next.pub" "$0.pub"
fi
grep -qF "$1" "$0.pub"
`;
