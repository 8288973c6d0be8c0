import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { artifact, type Note } from '../toolchain/artifact.ts';
import { command } from '../toolchain/command.ts';

/** What a bare Debian machine of ours has: a system, SSH, a container runtime, and the tools to look at a network. */
const packages = [
  'systemd systemd-sysv dbus procps util-linux mount kmod netbase locales',
  'iproute2 iptables nftables conntrack ethtool socat iputils-ping tcpdump',
  'ca-certificates curl openssh-server containerd runc e2fsprogs xfsprogs nfs-common',
  'cloud-init python3-minimal',
].flatMap((line) => line.split(' '));

/** Units that have nothing to do in a machine whose network and time come from outside. */
const masked = [
  'systemd-networkd-wait-online.service systemd-timesyncd.service systemd-udevd.service rpcbind.service rpcbind.socket nfs-client.target',
  'apt-daily.timer apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer dpkg-db-backup.timer getty@tty1.service console-getty.service e2scrub_reap.service',
].flatMap((line) => line.split(' '));

/**
 * The root tree that every lab machine starts from, cloud machine and physical one alike.
 * @unit cold about a minute, warm some milliseconds
 */
export async function ensureImage(note: Note = () => {}): Promise<{ readonly root: string }> {
  const folder = await artifact(
    {
      kind: 'machine-tree',
      inputs: [JSON.stringify(packages), JSON.stringify(masked), JSON.stringify(contents)],
      make: async (part) => {
        const root = join(part, 'root');
        await command('mmdebstrap', [
          '--quiet',
          '--variant=minbase',
          `--include=${packages.join(',')}`,
          'bookworm',
          root,
        ]);
        for (const [path, text] of Object.entries(contents)) await writeFile(join(root, path), text);
        for (const unit of masked) await command('ln', ['-sf', '/dev/null', join(root, 'etc/systemd/system', unit)]);
        // Every machine makes its own of these at its first start.
        for (const own of ['etc/machine-id', 'var/lib/dbus/machine-id', 'etc/hostname', 'etc/resolv.conf'])
          await rm(join(root, own), { force: true });
        await command('sh', [
          '-c',
          `rm -f '${root}'/etc/ssh/ssh_host_* '${root}'/var/cache/apt/archives/*.deb; rm -rf '${root}'/var/lib/apt/lists/*`,
        ]);
        await writeFile(join(root, 'etc/machine-id'), '');
        await command('chroot', [root, 'systemctl', 'enable', '--quiet', 'containerd.service', 'ssh.service']);
      },
    },
    note,
  );
  return { root: join(folder, 'root') };
}

const contents: Readonly<Record<string, string>> = {
  'etc/cloud/cloud.cfg.d/90-lab.cfg': [
    '# The metadata server of the cloud is also a NoCloud seed.',
    'datasource_list: [NoCloud]',
    'datasource: { NoCloud: { seedfrom: "http://100.80.80.80/" } }',
    'network: { config: disabled }',
    'locale: false',
    'apt: { preserve_sources_list: true }',
    'manage_etc_hosts: false',
    '',
  ].join('\n'),
  'etc/ssh/sshd_config.d/10-lab.conf': 'PermitRootLogin prohibit-password\nPasswordAuthentication no\nUseDNS no\n',
};
