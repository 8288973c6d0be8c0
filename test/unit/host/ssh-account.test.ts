import { expect, test } from 'vitest';
import { connectSsh } from '#host/ssh.ts';
import { seconds } from '#unit/clock.ts';
import { type SshdOptions, startSshd } from '../../support/sshd.ts';

/** No test account can become root by the real sudo; this one says what the real one says. @source sudo 1.9.13 */
const sudoSaying = (text: string): string => `#!/bin/sh\necho ${JSON.stringify(text)} >&2\nexit 1\n`;
/** Of the options it knows the two that are used; the account has root's id already. */
const sudo = '#!/bin/sh\n[ "$1 $2" = "-n --" ] && shift 2 && exec "$@"\n';
const person = (name: string, id = 60_001, shell = '/bin/sh'): string => `${name}:*:${id}:60001::/tmp:${shell}`;

const refused: readonly [string, SshdOptions, string, RegExp][] = [
  [
    'root of a cloud image, whose key only says which user to take',
    {
      keyOptions: `command="echo 'Please login as the user \\"debian\\" rather than the user \\"root\\".';echo;sleep 20;exit 142"`,
    },
    'root',
    /this account runs no commands \(it said: Please login as the user "debian".*set the user to debian \(ssh\.user\)/s,
  ],
  [
    'an account without a login shell',
    { accounts: [person('robot', 0, '/usr/sbin/nologin')] },
    'robot',
    /the login shell of robot runs no commands \(it said: This account is currently not available.*usermod -s \/bin\/bash robot/s,
  ],
  [
    'an account whose shell says nothing at all',
    { accounts: [person('mute', 0, '/bin/false')] },
    'mute',
    /exit code 1; check that mute has a normal login shell/,
  ],
  [
    'a sudo that wants a password',
    { accounts: [person('jane.doe')], programs: { sudo: sudoSaying('sudo: a password is required') } },
    'jane.doe',
    /sudo asks for a password .*jane\.doe ALL=\(ALL\) NOPASSWD: ALL/,
  ],
  [
    'a user who may not use sudo',
    { accounts: [person('jane.doe')], programs: { sudo: sudoSaying('jane.doe is not in the sudoers file.') } },
    'jane.doe',
    /jane\.doe has no right to use sudo .*NOPASSWD/,
  ],
  [
    'a machine without sudo',
    { accounts: [person('jane.doe')], programs: {} },
    'jane.doe',
    /sudo is not installed .*install it, or log in as root/,
  ],
  [
    'login files that print text',
    { keyOptions: 'command="echo Welcome!; eval $SSH_ORIGINAL_COMMAND"' },
    'root',
    /the shell of root prints text before every command \(it said: Welcome!.*~\/\.bashrc/s,
  ],
];

test.each(refused)('%s: told at once, with the cure', async (_title, options, user, expected) => {
  const sshd = await startSshd(options);
  try {
    const began = Date.now();
    await expect(connectSsh({ ...sshd.target, user }, { within: seconds(15) })).rejects.toThrow(expected);
    expect(Date.now() - began).toBeLessThan(15_000);
  } finally {
    await sshd.stop();
  }
});

test('a user with a dot in the name works through sudo', async () => {
  const sshd = await startSshd({ accounts: [person('jane.doe', 0)], programs: { sudo } });
  try {
    const { host } = await connectSsh({ ...sshd.target, user: 'jane.doe' }, { within: seconds(15) });
    expect(await host.run(['printf', '%s', 'a b'], { within: seconds(15) })).toMatchObject({ code: 0, stdout: 'a b' });
    await host.close();
  } finally {
    await sshd.stop();
  }
});

test('a machine with SHA-1 host keys only is not told to be switched on', async () => {
  const sshd = await startSshd({ hostKey: ['-t', 'rsa', '-b', '2048'], settings: ['HostKeyAlgorithms=ssh-rsa'] });
  try {
    const failure = await connectSsh(sshd.target, { within: seconds(15) }).catch((e: unknown) => String(e));
    expect(failure).toMatch(/offers only SHA-1 or DSA host keys.*ssh-keygen -A && systemctl restart ssh/);
    expect(failure).not.toMatch(/machine is on/);
  } finally {
    await sshd.stop();
  }
});

test('more keys in the agent than the machine tries', async () => {
  const sshd = await startSshd({ settings: ['MaxAuthTries=1'] });
  try {
    const key = { path: 'other', text: (await import('node:fs')).readFileSync(sshd.at('other'), 'utf8') };
    const failure = connectSsh({ ...sshd.target, key }, { within: seconds(15) });
    await expect(failure).rejects.toThrow(/too many keys .*ssh\.key/);
  } finally {
    await sshd.stop();
  }
});
