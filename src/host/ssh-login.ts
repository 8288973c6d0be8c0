import ssh2, { type AnyAuthMethod, type ConnectConfig } from 'ssh2';
import type { HostKey } from './host-key.ts';
import { type PrivateKey, parsePrivateKey } from './ssh-keys.ts';

/** Where and how one logs in. */
export interface SshLogin {
  /** What people call the machine. */
  readonly name: string;
  /** An IP address or a host name. */
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** One of both at least. The agent's keys are tried after the key. */
  readonly key: PrivateKey | undefined;
  /** Path of the SSH agent's socket. */
  readonly agent: string | undefined;
  /** The host key that this machine must show; left out at first contact. */
  readonly pinned: HostKey | undefined;
}

const keyTypes = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
];

export function loginConfig(login: SshLogin): ConnectConfig {
  return {
    host: login.address,
    port: login.port,
    username: login.user,
    authHandler: authMethods(login),
    algorithms: { serverHostKey: algorithmsFor(login.pinned) as never },
  };
}

function authMethods({ user: username, key, agent }: SshLogin): AnyAuthMethod[] {
  const methods: AnyAuthMethod[] = [];
  // A faulty one has been refused before.
  const parsed = key && parsePrivateKey(key);
  if (parsed !== undefined && !(parsed instanceof Error)) methods.push({ type: 'publickey', username, key: parsed });
  if (agent !== undefined) methods.push({ type: 'agent', username, agent: ssh2.createAgent(agent) });
  return methods;
}

/** The pinned type first, so that a machine with several keys shows the one we know; the others, so that a change is seen as one. */
function algorithmsFor(pinned: HostKey | undefined): readonly string[] {
  if (pinned === undefined) return keyTypes;
  const first = pinned.type === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256'] : [pinned.type];
  return [...first, ...keyTypes.filter((type) => !first.includes(type))];
}

/** Why a login failed, with what to do about it. */
export function explainLogin(e: Error & { level?: string; code?: unknown }, login: SshLogin): string {
  if (e.level === 'client-authentication') return explainRefusal(login);
  if (/too many authentication failures/i.test(e.message))
    return `the machine ended the login after too many keys (${e.message}); name the right key with ssh.key, or load fewer keys into the agent`;
  if (/no matching host key/i.test(e.message))
    return 'the machine offers only SHA-1 or DSA host keys, which are not secure any more; on the machine run: ssh-keygen -A && systemctl restart ssh, and check that HostKeyAlgorithms in its sshd_config allows ssh-ed25519 or rsa-sha2-512';
  if (/before handshake/i.test(e.message))
    return `the other end closed the connection before the SSH handshake; check that port ${login.port} is the machine's SSH port (ssh.port), and that its SSH server does not block this machine (MaxStartups, fail2ban)`;
  if (e.level === 'handshake' || /handshake|no matching/i.test(e.message))
    return `the machine and this program have no SSH algorithm in common (${e.message}); update the SSH server on the machine, or remove old restrictions (KexAlgorithms, Ciphers, MACs) from its sshd_config`;
  if (e.level === 'protocol') return `port ${login.port} does not speak SSH (${e.message}); check ssh.port`;
  return `${e.message}; ${advice[String(e.code)] ?? lookThere}`;
}

const notRead = '~/.ssh/config is not read: put a jump host, a port or a user into ssh in cluster.yaml';

/** What helps when nobody answers. */
export const lookThere = `check that the machine is on, and that traffic from this machine to its SSH port is allowed (${notRead})`;

const advice: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'check that the SSH server runs on the machine, and that ssh.port is its port',
  ENOTFOUND: `check the host name (${notRead})`,
  EAI_AGAIN: 'check the host name and the DNS settings of this machine',
};

function explainRefusal({ user, key, agent }: SshLogin): string {
  const offered = [key?.path, agent === undefined ? undefined : 'a key of the SSH agent'].filter(
    (p) => p !== undefined,
  );
  return `login refused; put the public half of ${offered.join(' or of ')} into ~${user}/.ssh/authorized_keys on the machine, and check that ${user} is the right user (ssh.user)`;
}
