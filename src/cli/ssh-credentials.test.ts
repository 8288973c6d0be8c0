import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sshCredentials } from './ssh-credentials.ts';

const folder = mkdtempSync(join(tmpdir(), 'isthmus-keys-'));
const [plain, locked] = [join(folder, 'plain'), join(folder, 'locked')];
beforeAll(() => {
  for (const [path, passphrase] of [
    [plain, ''],
    [locked, 'sécret'],
  ] as const)
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', passphrase, '-f', path]);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** A terminal where these answers are typed, and what it was asked. */
function terminal(...answers: readonly string[]) {
  const asked: string[] = [];
  const askSecret = (question: string): Promise<string> => {
    asked.push(question);
    return Promise.resolve(answers[asked.length - 1] ?? '');
  };
  return { asked, askSecret };
}

const keyOnly = (key: string) => ({ key, agent: false });

test('a passphrase is asked once, however many machines the key opens', async () => {
  const { asked, askSecret } = terminal('sécret');
  const credentials = sshCredentials({ env: {}, askSecret });
  const all = await Promise.all([1, 2, 3].map(() => credentials(keyOnly(locked))));
  expect(all.map(({ key }) => key?.passphrase)).toEqual(['sécret', 'sécret', 'sécret']);
  expect(asked).toEqual([`Passphrase for ${locked}: `]);
});

test('a mistyped passphrase is asked again, three times at most', async () => {
  const second = terminal('no', 'sécret');
  const { key } = await sshCredentials({ env: {}, askSecret: second.askSecret })(keyOnly(locked));
  expect(key?.passphrase).toBe('sécret');
  const never = terminal();
  await expect(sshCredentials({ env: {}, askSecret: never.askSecret })(keyOnly(locked))).rejects.toThrow(
    `SSH key ${locked}: the passphrase is wrong`,
  );
  expect(never.asked).toHaveLength(3);
});

test('a script gives the passphrase in a variable; without one it is told the ways', async () => {
  const nobody = { askSecret: undefined };
  const given = await sshCredentials({ env: { ISTHMUS_SSH_PASSPHRASE: 'sécret' }, ...nobody })(keyOnly(locked));
  expect(given.key?.passphrase).toBe('sécret');
  const wrong = sshCredentials({ env: { ISTHMUS_SSH_PASSPHRASE: 'no' }, ...nobody })(keyOnly(locked));
  await expect(wrong).rejects.toThrow('the passphrase in ISTHMUS_SSH_PASSPHRASE is wrong');
  const none = sshCredentials({ env: {}, ...nobody })(keyOnly(locked));
  await expect(none).rejects.toThrow(
    /it has a passphrase; run isthmus on a terminal .*ISTHMUS_SSH_PASSPHRASE.*agent: true/,
  );
});

test('a key without a passphrase is not asked for one', async () => {
  const { asked, askSecret } = terminal();
  const env = { ISTHMUS_SSH_PASSPHRASE: 'of another key' };
  expect(await sshCredentials({ env, askSecret })(keyOnly(plain))).toEqual({
    key: { path: plain, text: readFileSync(plain, 'utf8') },
    agent: undefined,
  });
  expect(asked).toEqual([]);
});

test('a key with a passphrase is left to the agent where one may be used', async () => {
  const { asked, askSecret } = terminal();
  const credentials = sshCredentials({ env: { SSH_AUTH_SOCK: '/run/agent' }, askSecret });
  expect(await credentials({ key: locked, agent: true })).toEqual({ key: undefined, agent: '/run/agent' });
  expect(await credentials({ key: undefined, agent: true })).toEqual({ key: undefined, agent: '/run/agent' });
  expect(asked).toEqual([]);
});
