import { randomBytes } from 'node:crypto';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { command } from '../toolchain/command.ts';

/** What makes one machine different from the image that it starts from. */
export interface DiskSpec {
  readonly hostname: string;
  readonly address: string;
  /** `installed`: set up like a rack installer does, with the operator's key. `cloud-init`: configures itself at first boot. */
  readonly firstBoot: 'installed' | 'cloud-init';
  /** A public key in OpenSSH's form that may log in as root; only with `installed`. */
  readonly authorizedKey?: string;
  /** More files of this machine, by path from its root. */
  readonly files?: Readonly<Record<string, string>>;
}

/** Folders of a machine that must not lie on the overlay; init.sh binds them over /var/lib/NAME, and `log` over /var/log. */
const data = ['containerd', 'etcd', 'kubelet', 'log'];

/**
 * Makes a machine's disk in `folder`: what differs from the image lies in `upper`, so that a new disk costs some files.
 * The work is done beside and renamed at the end: a disk that is there is whole.
 */
export async function makeDisk(folder: string, spec: DiskSpec): Promise<void> {
  const part = join(folder, 'upper.part');
  await rm(part, { recursive: true, force: true });
  for (const name of ['work', 'root', ...data.map((d) => `data/${d}`)])
    await mkdir(join(folder, name), { recursive: true });
  // With this folder the journal outlives a reboot, as it does on an installed Debian.
  await mkdir(join(folder, 'data/log/journal'), { recursive: true });
  await chmod(join(folder, 'data/etcd'), 0o700);
  for (const [path, text] of Object.entries({ ...commonFiles(spec), ...ownFiles(spec), ...spec.files }))
    await put(part, path, text);
  await makeHostKey(part);
  if (spec.authorizedKey !== undefined) await authorize(part, spec.authorizedKey);
  await rename(part, join(folder, 'upper'));
}

function commonFiles(spec: DiskSpec): Record<string, string> {
  return {
    'etc/hostname': `${spec.hostname}\n`,
    'etc/hosts': `127.0.0.1 localhost\n${spec.address} ${spec.hostname}\n`,
    'etc/machine-id': `${randomBytes(16).toString('hex')}\n`,
    // Nobody answers there, but the refusal comes at once; a resolver on the machine itself would be a loop to CoreDNS.
    'etc/resolv.conf': 'nameserver 100.80.80.80\n',
    // One key is enough, and making an RSA key would take longer than the rest of the boot.
    'etc/ssh/sshd_config.d/20-lab-host-key.conf': 'HostKey /etc/ssh/ssh_host_ed25519_key\n',
  };
}

function ownFiles(spec: DiskSpec): Record<string, string> {
  if (spec.firstBoot === 'installed') return { 'etc/cloud/cloud-init.disabled': '' };
  return { 'etc/cloud/cloud.cfg.d/95-lab-host-key.cfg': 'ssh_deletekeys: false\nssh_genkeytypes: []\n' };
}

async function put(root: string, path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), text);
}

async function makeHostKey(root: string): Promise<void> {
  const key = join(root, 'etc/ssh/ssh_host_ed25519_key');
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
}

async function authorize(root: string, key: string): Promise<void> {
  await mkdir(join(root, 'root/.ssh'), { recursive: true });
  await chmod(join(root, 'root'), 0o700);
  await chmod(join(root, 'root/.ssh'), 0o700);
  await writeFile(join(root, 'root/.ssh/authorized_keys'), `${key.trim()}\n`, { mode: 0o600 });
}
