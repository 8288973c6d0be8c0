import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseSurroundings, type Surroundings, surroundingsScript } from '#cluster/join/surroundings.ts';

/** A machine of its own mounts and network: what a person has configured there is found by the shell that `up` sends. */
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

/** @unit files: by their place, in the folders that the machine has for itself; inside: shell that is run before the look */
function lookAt(files: Readonly<Record<string, string>>, inside = ''): Surroundings {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-surroundings-'));
  folders.push(folder);
  for (const own of ['/etc', '/usr/lib/sysctl.d']) mkdirSync(join(folder, own), { recursive: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const mounts = `mount --bind ${folder}/etc /etc; [ ! -d /usr/lib/sysctl.d ] || mount --bind ${folder}/usr/lib/sysctl.d /usr/lib/sysctl.d`;
  const script = `set -e; ${mounts}\n${inside}\nset +e; exec 2>/dev/null; say() { echo "$1=$2"; }\n${surroundingsScript}`;
  const lines = execFileSync('unshare', ['-m', '-n', 'sh', '-c', script], { encoding: 'utf8' }).split('\n');
  return parseSurroundings((key) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1)),
  );
}

const router =
  'ip link add up0 type veth peer name up1; ip link set up1 up; ip addr add 192.0.2.2/24 dev up0; ip link set up0 up; ip route add ';

test('proxy variables are found in /etc/environment and in what systemd gives to services, not in comments', () => {
  const { proxyFiles } = lookAt({
    '/etc/environment': 'LANG=C\nhttps_proxy=http://proxy:3128\n',
    '/etc/systemd/system.conf': '#DefaultEnvironment=HTTP_PROXY=http://proxy:3128\n',
    '/etc/systemd/system/containerd.service.d/proxy.conf': '[Service]\nEnvironment="HTTP_PROXY=http://proxy:3128"\n',
  });
  expect(proxyFiles).toEqual(['/etc/environment', '/etc/systemd/system/containerd.service.d/proxy.conf']);
});

test('a machine with static routes alone is told from one with a default route', () => {
  expect(lookAt({}, `${router}10.9.0.0/16 via 192.0.2.1`).defaultRoute).toBe(false);
  expect(lookAt({}, `${router}default via 192.0.2.1`).defaultRoute).toBe(true);
});

test('of the files that set ip_forward at boot the order of their names counts, and /etc hides what the system brings', () => {
  const { forwardingFiles } = lookAt({
    '/usr/lib/sysctl.d/60-vendor.conf': 'net.ipv4.ip_forward=1\n',
    '/etc/sysctl.d/60-vendor.conf': '# emptied\n',
    '/etc/sysctl.d/90-isthmus.conf': 'net.ipv4.ip_forward = 1\n',
    '/etc/sysctl.d/99-cis.conf': '# CIS 3.1.1\nnet.ipv4.ip_forward = 1\n-net/ipv4/ip_forward = 0\n',
    '/etc/sysctl.d/10-other.conf': 'net.ipv4.conf.all.forwarding = 1\nkernel.panic = 0\n',
  });
  expect(forwardingFiles).toEqual([
    { path: '/etc/sysctl.d/10-other.conf', on: true },
    { path: '/etc/sysctl.d/99-cis.conf', on: false },
  ]);
});

test('a chain of nftables that drops what is forwarded is named; one that only filters what comes in is not', () => {
  const closed = 'type filter hook forward priority 0; policy drop;';
  const rules = `nft 'table ip filter { chain FORWARD { ${closed} }; chain INPUT { type filter hook input priority 0; policy drop; }; }'
nft 'table inet firewalld { chain filter_FORWARD { ${closed} }; }'
nft 'table ip6 filter { chain FORWARD { ${closed} }; }'`;
  expect(lookAt({}, rules).closedChains).toEqual(['ip filter FORWARD', 'inet firewalld filter_FORWARD']);
  expect(lookAt({}).closedChains).toEqual([]);
});
