import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readIfThere, writeWhole } from '#host/files.ts';
import { formatHostKey, type HostKey, parseHostKey } from '#host/host-key.ts';
import type { KubeAccess } from '#kube/access.ts';
import { parseKubeconfig } from '#kube/kubeconfig.ts';
import type { Instant } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import type { SshAccess } from '../config/config.ts';

/**
 * What the operator's computer keeps of one cluster, in `.isthmus/<cluster>/` beside cluster.yaml: the kubeconfig, the pinned
 * SSH host keys, and the host keys made for cloud machines. All of it readable by its owner alone.
 */
export interface State {
  readonly folder: string;
  readonly kubeconfigPath: string;
  /** Tells this folder from that of another operator; made on first use. */
  id(): Promise<string>;
  /**
   * How the cluster is reached: by its own entry of the kubeconfig, whatever other programs have added to that file.
   * @fails Error when the entry is gone, or trusts another authority than that of the cluster that was made
   */
  kubeAccess(): Promise<(KubeAccess & { readonly ca: string }) | undefined>;
  /** Whether there is one, usable or not. */
  hasKubeconfig(): Promise<boolean>;
  saveKubeconfig(text: string): Promise<void>;
  /** The host key pinned for this machine. */
  pinned(machine: string): Promise<HostKey | undefined>;
  pin(machine: string, key: HostKey): Promise<void>;
  unpin(machine: string): Promise<void>;
  /** The host key that a cloud machine of this name is to show; made on first use by `make`. */
  hostKeys(machine: string, make: () => HostKeyPair): Promise<HostKeyPair>;
  /** The public half of that key, until it is forgotten. */
  hostKeyMade(machine: string): Promise<HostKey | undefined>;
  /** Notes the key that a machine is about to show in place of the pinned one. */
  expectHostKey(machine: string, key: HostKey): Promise<void>;
  hostKeyExpected(machine: string): Promise<HostKey | undefined>;
  /** Removes what is kept of the key that was made for a machine: it has one of its own. */
  forgetHostKeys(machine: string): Promise<void>;
  /** How a physical machine was reached when it joined: what cluster.yaml says of it goes with its entry. */
  access(machine: string): Promise<SshAccess | undefined>;
  keepAccess(machine: string, access: SshAccess): Promise<void>;
  forgetAccess(machine: string): Promise<void>;
  /** When this machine was asked of the cloud by a run that did not hear what came of it. */
  createBegun(machine: string): Promise<Instant | undefined>;
  /** Written before the cloud is asked, so that a run that is killed then leaves word of it. */
  beginCreate(machine: string, at: Instant): Promise<void>;
  endCreate(machine: string): Promise<void>;
  /** Forgets the cluster. */
  remove(): Promise<void>;
}

/** Texts in OpenSSH's form. */
export interface HostKeyPair {
  readonly private: string;
  readonly public: string;
}

/** @unit configPath: where cluster.yaml lies */
export function openState(configPath: string, cluster: string): State {
  const folder = join(dirname(configPath), '.isthmus', cluster);
  const at = (name: string): string => join(folder, name);
  const save = (name: string, text: string): Promise<void> =>
    writeWhole(at(name), text, { mode: 0o600, folderMode: 0o700 });
  const knownHosts = async (): Promise<readonly string[]> =>
    ((await readIfThere(at('known_hosts'))) ?? '').split('\n').filter((line) => line !== '');
  const without = async (machine: string): Promise<readonly string[]> =>
    (await knownHosts()).filter((line) => !line.startsWith(`${machine} `));
  const keyIn = async (name: string): Promise<HostKey | undefined> => {
    const text = await readIfThere(at(name));
    return text === undefined ? undefined : parseHostKey(text);
  };
  // Machines join at the same time, and each pin rewrites the whole file.
  let pinning: Promise<void> = Promise.resolve();
  const inTurn = (write: () => Promise<void>): Promise<void> => {
    pinning = pinning.then(write);
    return pinning;
  };
  return {
    folder,
    kubeconfigPath: at('kubeconfig'),
    id: async () => {
      const kept = (await readIfThere(at('id')))?.trim();
      if (kept !== undefined && kept !== '') return kept;
      const made = randomUUID();
      await save('id', `${made}\n`);
      return made;
    },
    kubeAccess: async () => {
      const text = await readIfThere(at('kubeconfig'));
      if (text === undefined) return undefined;
      return trusted(accessIn(text, cluster, at), await readIfThere(at('authority.crt')), at);
    },
    hasKubeconfig: async () => (await readIfThere(at('kubeconfig'))) !== undefined,
    saveKubeconfig: async (text) => {
      const { ca = '' } = parseKubeconfig(text, cluster);
      await save('authority.crt', ca);
      await save('kubeconfig', text);
    },
    pinned: async (machine) => {
      const line = (await knownHosts()).find((known) => known.startsWith(`${machine} `));
      return line === undefined ? undefined : parseHostKey(line.slice(machine.length + 1));
    },
    pin: (machine, key) =>
      inTurn(async () =>
        save('known_hosts', `${[...(await without(machine)), `${machine} ${formatHostKey(key)}`].join('\n')}\n`),
      ),
    unpin: (machine) => inTurn(async () => save('known_hosts', `${(await without(machine)).join('\n')}\n`)),
    hostKeys: async (machine, make) => {
      const text = await readIfThere(at(`hostkeys/${machine}`));
      const publicText = await readIfThere(at(`hostkeys/${machine}.pub`));
      if (text !== undefined && publicText !== undefined) return { private: text, public: publicText };
      const made = make();
      await save(`hostkeys/${machine}`, made.private);
      await save(`hostkeys/${machine}.pub`, made.public);
      return made;
    },
    hostKeyMade: (machine) => keyIn(`hostkeys/${machine}.pub`),
    expectHostKey: (machine, key) => save(`hostkeys/${machine}.next`, `${formatHostKey(key)}\n`),
    hostKeyExpected: (machine) => keyIn(`hostkeys/${machine}.next`),
    forgetHostKeys: async (machine) => {
      // The public half last: as long as it is there, the rest may be too.
      for (const file of [machine, `${machine}.next`, `${machine}.pub`])
        await rm(at(`hostkeys/${file}`), { force: true });
    },
    access: async (machine) => {
      const text = await readIfThere(at(`access/${machine}`));
      return text === undefined ? undefined : (JSON.parse(text) as SshAccess);
    },
    keepAccess: (machine, access) => save(`access/${machine}`, `${JSON.stringify(access, null, 2)}\n`),
    forgetAccess: (machine) => rm(at(`access/${machine}`), { force: true }),
    createBegun: async (machine) => {
      const text = await readIfThere(at(`creating/${machine}`));
      return text === undefined ? undefined : (Number(text) as Instant);
    },
    beginCreate: (machine, when) => save(`creating/${machine}`, `${when}\n`),
    endCreate: (machine) => rm(at(`creating/${machine}`), { force: true }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function accessIn(text: string, cluster: string, at: (name: string) => string): KubeAccess {
  try {
    return parseKubeconfig(text, cluster);
  } catch (e) {
    throw new Error(`${at('kubeconfig')}: ${messageOf(e).replace(/^kubeconfig: /, '')}; ${restore}`, { cause: e });
  }
}

/** A file that other programs write may come to name another cluster; nothing of ours is to be written there. */
function trusted(
  access: KubeAccess,
  authority: string | undefined,
  at: (name: string) => string,
): KubeAccess & { readonly ca: string } {
  const { ca } = access;
  if (ca === undefined)
    throw new Error(`${at('kubeconfig')}: the entry of this cluster has no certificate-authority-data; ${restore}`);
  if (authority !== undefined && authority !== ca)
    throw new Error(
      `${at('kubeconfig')}: the entry of this cluster trusts another authority than ${at('authority.crt')}, so it belongs to another cluster; ${restore}`,
    );
  return { ...access, ca };
}

const restore = 'copy /etc/kubernetes/admin.conf of the control plane over that file';

/** The same state for one who only looks: what would be kept is forgotten. */
export function lookingOnly(state: State): State {
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    ...state,
    saveKubeconfig: nothing,
    pin: nothing,
    unpin: nothing,
    hostKeys: (_machine, make) => Promise.resolve(make()),
    expectHostKey: nothing,
    forgetHostKeys: nothing,
    keepAccess: nothing,
    forgetAccess: nothing,
    beginCreate: nothing,
    endCreate: nothing,
    remove: nothing,
  };
}
