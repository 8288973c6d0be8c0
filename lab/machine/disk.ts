import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, lstat, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { command } from '../toolchain/command.ts';

/** What makes one machine different from the image that it starts from. */
export interface DiskSpec {
  readonly hostname: string;
  readonly address: string;
  /** `installed`: set up like a rack installer does, with the operator's key. `cloud-init`: configures itself at first boot. */
  readonly firstBoot: 'installed' | 'cloud-init';
  /** A public key in OpenSSH's form that may log in as root; only with `installed`. */
  readonly authorizedKey?: string;
  /** A folder with `upper` and `data` of another disk: this one begins as a copy of that, with an identity of its own. */
  readonly copyOf?: string;
  /** More files of this machine, by path from its root. */
  readonly files?: Readonly<Record<string, string>>;
  /** As `files`, and may be run. */
  readonly programs?: Readonly<Record<string, string>>;
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
  if (spec.copyOf !== undefined) await copy(spec.copyOf, folder, part);
  for (const name of ['work', 'root', 'upper.part', ...data.map((d) => `data/${d}`)])
    await mkdir(join(folder, name), { recursive: true });
  // With this folder the journal outlives a reboot, as it does on an installed Debian.
  await mkdir(join(folder, 'data/log/journal'), { recursive: true });
  await chmod(join(folder, 'data/etcd'), 0o700);
  for (const [path, text] of Object.entries({ ...commonFiles(spec), ...ownFiles(spec), ...spec.files }))
    await put(part, path, text);
  for (const [path, text] of Object.entries(spec.programs ?? {})) {
    await put(part, path, text);
    await chmod(join(part, path), 0o755);
  }
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

/** With owners, times and the marks by which the overlay knows what was deleted. */
async function copy(from: string, folder: string, part: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await rm(join(folder, 'data'), { recursive: true, force: true });
  await command('cp', ['--archive', '--reflink=auto', join(from, 'data'), join(folder, 'data')]);
  await command('cp', ['--archive', '--reflink=auto', join(from, 'upper'), part]);
  if (existsSync(join(from, 'lower'))) await copyFile(join(from, 'lower'), join(folder, 'lower'));
}

/** Trees between this disk and the image, highest first: of the saved lab that it began as. None for other disks. */
export async function layersBelow(folder: string): Promise<readonly string[]> {
  const file = join(folder, 'lower');
  return existsSync(file) ? (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '') : [];
}

/**
 * A file beside a disk that ran when it was saved and had nothing left to set up: its machine's next boot is to go on, not to
 * configure itself. cloud-init would take two seconds to find that it has nothing to do, and everything waits for it.
 */
export function goesOn(folder: string): string {
  return join(folder, 'goes-on');
}

async function put(root: string, path: string, text: string): Promise<void> {
  await clear(root, path);
  await writeFile(join(root, path), text);
}

/**
 * Room for a file. In a copied disk something else may be in the way: of the file, then it goes; of a folder above it, and a link must
 * not be followed out of the disk.
 * @fails Error that names what is no folder
 */
async function clear(root: string, path: string): Promise<void> {
  let above = root;
  for (const name of dirname(path).split('/')) {
    above = join(above, name);
    const there = await lstat(above).catch(() => undefined);
    if (there === undefined) await mkdir(above);
    else if (!there.isDirectory())
      throw new Error(
        `in the disk that is copied /${relative(root, above)} is no folder; make it one, then a new image`,
      );
  }
  await rm(join(root, path), { force: true });
}

async function makeHostKey(root: string): Promise<void> {
  const key = join(root, 'etc/ssh/ssh_host_ed25519_key');
  for (const file of ['etc/ssh/ssh_host_ed25519_key', 'etc/ssh/ssh_host_ed25519_key.pub']) await clear(root, file);
  await command('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
}

async function authorize(root: string, key: string): Promise<void> {
  await mkdir(join(root, 'root/.ssh'), { recursive: true });
  await chmod(join(root, 'root'), 0o700);
  await chmod(join(root, 'root/.ssh'), 0o700);
  await writeFile(join(root, 'root/.ssh/authorized_keys'), `${key.trim()}\n`, { mode: 0o600 });
}
