import { readFile } from 'node:fs/promises';
import type { ClusterConfig, SshAccess, SshLoginConfig } from '#cluster/config/config.ts';
import type { Fault } from '#cluster/config/fault.ts';
import type { Session } from '#cluster/session.ts';
import { explainUnreadable } from '#host/files.ts';
import { explainKeyFault, keyFault, type PrivateKey } from '#host/ssh-keys.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

const passphraseVariable = 'ISTHMUS_SSH_PASSPHRASE';
const tries = 3;

/** Reads each key once, and asks for each passphrase once. */
export function sshCredentials(tools: Pick<CliTools, 'env' | 'askSecret'>): Session['credentials'] {
  const keys = new Map<string, Promise<PrivateKey>>();
  const socket = tools.env['SSH_AUTH_SOCK'];
  return async ({ key: path, agent: mayAsk }) => {
    const agent = mayAsk ? socket : undefined;
    if (path === undefined) return { key: undefined, agent };
    // The agent may have it open already.
    if (agent !== undefined && keyFault({ path, text: await readFile(path, 'utf8') }) === 'needs-passphrase')
      return { key: undefined, agent };
    const key = keys.get(path) ?? openKey(path, tools);
    keys.set(path, key);
    return { key: await key, agent };
  };
}

async function openKey(path: string, { env, askSecret }: Pick<CliTools, 'env' | 'askSecret'>): Promise<PrivateKey> {
  const text = await readFile(path, 'utf8');
  const refuse = (fault: NonNullable<ReturnType<typeof keyFault>>): CommandFailed =>
    new CommandFailed(exitCodes.usage, `SSH key ${path}: ${explainKeyFault(fault, path)}`);
  const fault = keyFault({ path, text });
  if (fault === undefined) return { path, text };
  if (fault !== 'needs-passphrase') throw refuse(fault);
  const given = env[passphraseVariable];
  if (given !== undefined) {
    const key = { path, text, passphrase: given };
    if (keyFault(key) === undefined) return key;
    throw new CommandFailed(exitCodes.usage, `SSH key ${path}: the passphrase in ${passphraseVariable} is wrong`);
  }
  if (askSecret === undefined) throw refuse(fault);
  for (let attempt = 0; attempt < tries; attempt++) {
    const key = { path, text, passphrase: await askSecret(`Passphrase for ${path}: `) };
    if (keyFault(key) === undefined) return key;
  }
  throw refuse('wrong-passphrase');
}

/** Keys named in cluster.yaml that can't be used whatever the passphrase is. */
export async function unusableKeys(config: ClusterConfig): Promise<readonly Fault[]> {
  const used: [string, SshAccess | undefined][] = [
    ['ssh', config.ssh],
    ...config.machines.map(({ ssh }, i): [string, SshAccess] => [`machines[${i}].ssh`, ssh]),
    ['network.site.gateway.ssh', config.network.site.gateway?.ssh],
  ];
  const paths = new Map<string, string>();
  for (const [path, ssh] of used)
    for (const [at, login] of [
      [path, ssh],
      [`${path}.jump`, ssh?.jump],
    ] as [string, SshLoginConfig | undefined][])
      if (login?.key !== undefined && !paths.has(login.key)) paths.set(login.key, `${at}.key`);
  const faults = await Promise.all(
    [...paths].map(async ([key, path]): Promise<Fault[]> => {
      const problem = await whyUnusable(key);
      return problem === undefined ? [] : [{ path, line: undefined, value: key, problem, example: undefined }];
    }),
  );
  return faults.flat();
}

async function whyUnusable(path: string): Promise<string | undefined> {
  try {
    const fault = keyFault({ path, text: await readFile(path, 'utf8') });
    return fault === undefined || fault === 'needs-passphrase'
      ? undefined
      : `cannot be used: ${explainKeyFault(fault, path)}`;
  } catch (e) {
    return `cannot be read: ${explainUnreadable(e)}; name a private key that you can read, such as ~/.ssh/id_ed25519`;
  }
}
