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
  'binutils', // our program ships Node without its debugging symbols
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
  'openssl',
  'procps',
  'python3',
  'tcpdump',
  'util-linux',
];

/** What only the tests run. */
const testPackages = [
  'docker-registry', // bundles are made from a registry
  'openssh-server', // an SSH server for the tests of our SSH client
  'python3-venv', // the cloud simulator is judged by the cloud's own Python SDK
  'skopeo', // fills the registry, and reads our image archives
];

/** Where the demo gets Kubernetes from when there is no Go to build it; the addresses are those of src/cluster/bundle. */
const releaseServers = [
  'https://dl.k8s.io/release/stable.txt',
  'https://registry.k8s.io/v2/',
  'https://github.com/containernetworking/plugins/releases/latest',
];

const isDemo = process.env.npm_lifecycle_event === 'demo';
const faults = [...lookForFaults(), ...(await lookForKubernetes())];
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
  if (Number(process.versions.node.split('.')[0]) < 18)
    found.push(`Node is ${process.versions.node}; install Node 18 or newer (the right Node 24 then comes from npm)`);
  if (!existsSync('/etc/debian_version'))
    found.push('it is not Debian; the lab installs Debian packages (tried on Debian 12)');
  if (!existsSync('/sys/fs/cgroup')) found.push('there is no /sys/fs/cgroup; mount the cgroup hierarchies');
  return found;
}

/** Kubernetes is built from its Go modules; where there is no Go, the demo takes official releases. The tests need the build. */
async function lookForKubernetes() {
  const go = spawnSync('go', ['env', 'GOVERSION'], { encoding: 'utf8' });
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(go.stdout ?? '') ?? [];
  if (major !== undefined && (Number(major) > 1 || Number(minor) >= 26)) return [];
  const lack = major === undefined ? 'there is no Go' : `Go is ${go.stdout.trim()}`;
  if (!isDemo) return [`${lack}; install Go 1.26 or newer: the tests run Kubernetes built from its Go modules`];
  // This Node knows no proxies; what makes the bundle does, and tells what it can't reach.
  if (process.env.HTTPS_PROXY ?? process.env.https_proxy) return [];
  const away = (await Promise.all(releaseServers.map(unreachable))).filter((fault) => fault !== undefined);
  if (away.length === 0) return [];
  return [
    `${lack}, and Kubernetes' releases can't be reached (${away.join('; ')}); install Go 1.26 or newer, or let this computer reach them (HTTPS_PROXY)`,
  ];
}

async function unreachable(url) {
  const host = new URL(url).host;
  try {
    const answer = await fetch(url, { method: 'HEAD', signal: AbortSignal.timeout(15_000) });
    // A registry may want a token first: it is there.
    return answer.ok || answer.status === 401 ? undefined : `${host}: HTTP status ${answer.status}`;
  } catch (e) {
    return `${host}: ${e.cause?.code ?? e.message}`;
  }
}

function installPackages() {
  const wanted = [...packages, ...(isDemo ? [] : testPackages)].filter((name) => {
    const state = spawnSync('dpkg-query', ['-W', '-f', '${Status}', name], { encoding: 'utf8' });
    return !(state.stdout ?? '').includes('install ok installed');
  });
  if (wanted.length === 0) return 'all there';
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  run('apt-get', ['update', '-qq'], { env });
  run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...wanted], { env });
  // Debian starts it at once, for everyone to reach; the tests start one of their own.
  if (wanted.includes('docker-registry') && existsSync('/run/systemd/system'))
    run('systemctl', ['disable', '--now', 'docker-registry']);
  return `installed ${wanted.join(', ')}`;
}

/** Skipped while the lock file is the one that was installed last; `npm ci` would refuse platform packages missing from the lock. */
function installModules() {
  const lock = readFileSync(join(project, 'package-lock.json'));
  const key = createHash('sha256').update(lock).digest('hex');
  const mark = join(project, 'node_modules', '.installed');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === key) return 'all there';
  if (!agrees(JSON.parse(lock))) {
    console.error('package.json and package-lock.json disagree: run npm install there and commit the lock that fits');
    process.exit(1);
  }
  // `--no-save`: Debian's npm 9 would write the lock without what it does not know.
  run('npm', ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: project,
  });
  writeFileSync(mark, key);
  return 'installed';
}

/** The lock repeats what package.json asks for, in an order of its own. */
function agrees(lock) {
  const asked = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8'));
  const list = (of) => JSON.stringify(Object.entries(of ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  const root = lock.packages[''];
  return (
    list(asked.dependencies) === list(root.dependencies) && list(asked.devDependencies) === list(root.devDependencies)
  );
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
