import type { Ran } from './host.ts';

/**
 * What `id -u` as root said of the account one logged in to: why it can't run commands as root, with the cure; `undefined`
 * when it can.
 */
export function explainAccount({ code, stdout, stderr }: Ran, user: string): string | undefined {
  if (code === 0 && stdout.trim() === '0') return undefined;
  const said = [stdout, stderr]
    .map((text) => text.trim())
    .filter((text) => text !== '')
    .join('\n');
  const quoted = said === '' ? '' : ` (it said: ${said.slice(0, 300)})`;
  const other = /login as the user\s+"?([A-Za-z_][\w.-]*)"?/i.exec(said)?.[1];
  if (other !== undefined) return `this account runs no commands${quoted}; set the user to ${other} (ssh.user)`;
  if (/not available|nologin/i.test(said))
    return `the login shell of ${user} runs no commands${quoted}; use another user (ssh.user), or give ${user} a shell: usermod -s /bin/bash ${user}`;
  if (/password is required|askpass|must have a tty|terminal is required/i.test(said))
    return `sudo asks for a password${quoted}; ${sudoCure(user)}`;
  if (/not in the sudoers|may not run sudo|not allowed to (run|execute)/i.test(said))
    return `${user} has no right to use sudo${quoted}; ${sudoCure(user)}`;
  if (/sudo.*not found|not found.*sudo/i.test(said) || (code === 127 && user !== 'root'))
    return `sudo is not installed${quoted}; install it, or log in as root (ssh.user: root)`;
  if (code === 0 && /(^|\n)0$/.test(stdout.trim()))
    return `the shell of ${user} prints text before every command${quoted}; make ~/.bashrc and the other login files print nothing when the shell is not interactive`;
  if (code === 0 && /^\d+$/.test(stdout.trim()))
    return `${user} has user id ${stdout.trim()} there, not root's${quoted}; use root, or a user with sudo (ssh.user)`;
  return `exit code ${code}${quoted}; check that ${user} has a normal login shell on the machine, for example with: ssh ${user}@… id`;
}

function sudoCure(user: string): string {
  return `on the machine run as root: echo '${user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/90-isthmus && chmod 440 /etc/sudoers.d/90-isthmus`;
}
