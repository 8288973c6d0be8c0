import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { formatHostKey, type HostKey, parseHostKey } from '#host/host-key.ts';

/**
 * What the operator's computer keeps of one cluster, in `.isthmus/<cluster>/` beside cluster.yaml: the kubeconfig, the pinned
 * SSH host keys, and the host keys made for cloud machines. All of it readable by its owner alone.
 */
export interface State {
  readonly folder: string;
  readonly kubeconfigPath: string;
  kubeconfig(): Promise<string | undefined>;
  saveKubeconfig(text: string): Promise<void>;
  /** The host key pinned for this machine. */
  pinned(machine: string): Promise<HostKey | undefined>;
  pin(machine: string, key: HostKey): Promise<void>;
  unpin(machine: string): Promise<void>;
  /** The host key that a cloud machine of this name is to show; made on first use by `make`. */
  hostKeys(machine: string, make: () => HostKeyPair): Promise<HostKeyPair>;
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
  const save = async (name: string, text: string): Promise<void> => {
    await mkdir(dirname(at(name)), { recursive: true, mode: 0o700 });
    await writeFile(`${at(name)}.new`, text, { mode: 0o600, flush: true });
    await chmod(`${at(name)}.new`, 0o600);
    await rename(`${at(name)}.new`, at(name));
  };
  const knownHosts = async (): Promise<readonly string[]> =>
    ((await readIfThere(at('known_hosts'))) ?? '').split('\n').filter((line) => line !== '');
  const without = async (machine: string): Promise<readonly string[]> =>
    (await knownHosts()).filter((line) => !line.startsWith(`${machine} `));
  // Machines join at the same time, and each pin rewrites the whole file.
  let pinning: Promise<void> = Promise.resolve();
  const inTurn = (write: () => Promise<void>): Promise<void> => {
    pinning = pinning.then(write);
    return pinning;
  };
  return {
    folder,
    kubeconfigPath: at('kubeconfig'),
    kubeconfig: () => readIfThere(at('kubeconfig')),
    saveKubeconfig: (text) => save('kubeconfig', text),
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
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (e) {
    if ((e as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw e;
  }
}
