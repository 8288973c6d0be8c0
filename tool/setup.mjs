/**
 * First step of `npm run demo` and `npm test`: looks at the computer, tells everything that is missing at once, and
 * installs the rest (Debian packages, npm packages). Plain JavaScript without dependencies, because it runs on whatever
 * Node the computer has, before anything is installed.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const project = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the lab runs on the computer itself, by Debian package. */
const packages = [
  'buildah', // container images without a daemon
  'ca-certificates',
  'curl',
  'gcc', // the CNI plugin and pause are C
  'iproute2',
  'iptables',
  'iputils-ping',
  'libc6-dev',
  'mmdebstrap', // the machines' root tree
  'nftables',
  'openssh-client',
  'openssh-server', // an SSH server for the tests of our SSH client
  'openssl',
  'procps',
  'python3',
  'python3-venv', // the cloud simulator is judged by the cloud's own Python SDK
  'tcpdump',
  'util-linux',
];

const faults = lookForFaults();
if (faults.length > 0) {
  console.error(`This computer can't run the lab yet:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
  process.exit(1);
}
step('Debian packages', installPackages);
step('npm packages', installModules);

function lookForFaults() {
  const found = [];
  if (process.platform !== 'linux' || process.arch !== 'x64')
    found.push(`it is ${process.platform}/${process.arch}; the lab needs Linux on x86-64`);
  if (process.getuid?.() !== 0)
    found.push('you are not root; the lab makes namespaces, mounts and cgroups: run it with sudo');
  if (Number(process.versions.node.split('.')[0]) < 20)
    found.push(`Node is ${process.versions.node}; install Node 20 or newer (the right Node 24 then comes from npm)`);
  const go = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(go.stdout ?? '') ?? [];
  if (major === undefined)
    found.push('there is no Go; install Go 1.26 or newer: Kubernetes is built from its Go modules');
  else if (Number(major) === 1 && Number(minor) < 26) found.push(`Go is ${go.stdout.trim()}; install Go 1.26 or newer`);
  if (!existsSync('/etc/debian_version'))
    found.push('it is not Debian; the lab installs Debian packages (tried on Debian 12)');
  if (!existsSync('/sys/fs/cgroup')) found.push('there is no /sys/fs/cgroup; mount the cgroup hierarchies');
  return found;
}

function installPackages() {
  const wanted = packages.filter((name) => {
    const state = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' });
    return !(state.stdout ?? '').includes('install ok installed');
  });
  if (wanted.length === 0) return 'all there';
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted], { env });
  return `installed ${wanted.join(', ')}`;
}

/** Skipped while the lock file is the one that was installed last; `npm ci` would refuse platform packages missing from the lock. */
function installModules() {
  const lock = readFileSync(join(project, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex');
  const mark = join(project, 'node_modules', '.installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === key) return 'all there';
  run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: project });
  if (!readFileSync(join(project, 'package-lock.json')).equals(lock)) {
    console.error('npm changed package-lock.json: package.json and the lock disagree; commit the lock that fits');
    process.exit(1);
  }
  writeFileSync(mark, key);
  return 'installed';
}

function step(title, work) {
  const start = performance.now();
  process.stdout.write(`${title} ...`);
  const outcome = work();
  process.stdout.write(` ${outcome} (${((performance.now() - start) / 1000).toFixed(1)} s)\n`);
}

function run(command, args, options = {}) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], ...options });
  if (result.status === 0) return;
  console.error(
    `\n${command} ${args.join(' ')} failed (${result.status ?? result.error?.message}):\n${result.stdout ?? ''}${result.stderr ?? ''}`,
  );
  process.exit(1);
}
