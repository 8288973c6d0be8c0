import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { openState, type State } from '#cluster/state/state.ts';
import { type MadeMachine, reachWithOwnHostKey } from '#cluster/up/own-host-key.ts';
import type { Host } from '#host/host.ts';
import { formatHostKey, type HostKey, parseHostKey } from '#host/host-key.ts';
import { connectSsh, HostKeyChanged } from '#host/ssh.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { type Sshd, startSshd } from '../../support/sshd.ts';

/** The control plane's host key came by user data. A real sshd gets another one over the connection that the first one secures. */
const name = 'cp-1';
let sshd: Sshd;
let folder: string;
const hosts: Host[] = [];

beforeAll(async () => {
  sshd = await startSshd();
  copyFileSync(sshd.at('host'), sshd.at('first'));
  copyFileSync(sshd.at('host.pub'), sshd.at('first.pub'));
});
afterAll(() => sshd?.stop());
afterEach(async () => {
  for (const host of hosts.splice(0)) await host.close();
  rmSync(folder, { recursive: true, force: true });
});

const place = () => ({ path: sshd.at('host'), reload: `kill -HUP ${sshd.listener}` });
const keyOf = (file: string): HostKey =>
  parseHostKey(readFileSync(sshd.at(`${file}.pub`), 'utf8')) ?? expect.fail(`${file} is not a key`);

/** As it stands when the machine has booted with the key that the operator made: nothing else was done on either side. */
async function booted(): Promise<State> {
  for (const file of ['host.next', 'host.next.pub', 'host.making', 'host.making.pub'])
    rmSync(sshd.at(file), { force: true });
  for (const end of ['', '.pub']) copyFileSync(sshd.at(`first${end}`), sshd.at(`host${end}`));
  sshd.signal([sshd.listener], 'SIGHUP');
  folder = mkdtempSync(join(tmpdir(), 'isthmus-own-host-key-'));
  const state = openState(join(folder, 'cluster.yaml'), 'shop');
  const text = (end: string): string => readFileSync(sshd.at(`first${end}`), 'utf8');
  await state.hostKeys(name, () => ({ private: text(''), public: text('.pub') }));
  await state.pin(name, keyOf('first'));
  await waitFor('sshd with the first key', machineBy(state).reach, { within: minutes(1) });
  return state;
}

function machineBy(state: State): MadeMachine {
  const reach = async (): Promise<Host> => {
    const pinned = await state.pinned(name);
    const { host } = await connectSsh({ ...sshd.target, name, pinned }, { within: seconds(30) });
    hosts.push(host);
    return host;
  };
  return { name, state, reach, signal: new AbortController().signal };
}

const kept = (): readonly string[] => readdirSync(join(folder, '.isthmus/shop/hostkeys'));

/** As the operator's computer does what it is told until its power fails, before the nth step that changes anything outside the process. */
function killedAt(state: State, moment: number): MadeMachine {
  const power = new AbortController();
  let steps = 0;
  const step = <T>(work: () => Promise<T>): Promise<T> => {
    if (steps++ < moment) return work();
    power.abort(new Error('killed'));
    return Promise.reject(new Error('killed'));
  };
  const plain = machineBy(state);
  return {
    ...plain,
    reach: () =>
      step(async () => {
        const host = await plain.reach();
        return { ...host, run: (argv, opts) => step(() => host.run(argv, opts)) };
      }),
    state: {
      ...state,
      pin: (...args) => step(() => state.pin(...args)),
      expectHostKey: (...args) => step(() => state.expectHostKey(...args)),
      forgetHostKeys: (...args) => step(() => state.forgetHostKeys(...args)),
    },
    signal: power.signal,
  };
}

/** As `up` does: what does not answer yet is asked again. */
function reachAtLast(state: State): Promise<Host> {
  return waitFor('SSH', () => reachWithOwnHostKey(machineBy(state), place()), { within: minutes(1) });
}

async function isSpent(state: State): Promise<void> {
  const pinned = (await state.pinned(name)) ?? expect.fail('nothing is pinned');
  expect(formatHostKey(pinned)).toBe(formatHostKey(keyOf('host')));
  expect(formatHostKey(pinned)).not.toBe(formatHostKey(keyOf('first')));
  expect(kept()).toEqual([]);
}

test('the host key that came by user data is replaced by one that never left the machine, and the connection goes on', async () => {
  const state = await booted();
  const host = await reachAtLast(state);
  expect((await host.run(['echo', 'here'], { within: seconds(10) })).stdout).toBe('here\n');
  await isSpent(state);
  const byUserData = { ...sshd.target, name, pinned: keyOf('first') };
  await expect(connectSsh(byUserData, { within: seconds(30) })).rejects.toThrow(HostKeyChanged);

  const own = await state.pinned(name);
  await reachAtLast(state);
  expect(await state.pinned(name)).toEqual(own);
});

test('killed before every step, the next run ends with the new key and nothing of the first is kept', async () => {
  let moments = 0;
  for (;;) {
    const state = await booted();
    const wasKilled = await reachWithOwnHostKey(killedAt(state, moments), place()).then(
      () => false,
      () => true,
    );
    if (!wasKilled) break;
    moments++;
    await reachAtLast(state);
    await isSpent(state);
    for (const host of hosts.splice(0)) await host.close();
    rmSync(folder, { recursive: true, force: true });
  }
  console.log(`killed at ${moments} steps`);
  expect(moments).toBeGreaterThan(6);
}, 300_000);

test('a machine that shows neither the first key nor the one that it was given is refused', async () => {
  const state = await booted();
  await state.expectHostKey(name, keyOf('user'));
  await state.pin(name, keyOf('other'));
  await expect(reachWithOwnHostKey(machineBy(state), place())).rejects.toThrow(HostKeyChanged);
  expect(await state.pinned(name)).toEqual(keyOf('other'));
});
