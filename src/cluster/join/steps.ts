import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { type Host, must, type Ran } from '#host/host.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { imageNamed } from '../bundle/fetch-bundle.ts';
import { fetchFile } from '../bundle/fetch-file.ts';
import { eachOf } from '../each-of.ts';
import { chooseImages, type ImageTurn } from './choose-images.ts';
import type { MachineSettings } from './choose-settings.ts';
import * as files from './files.ts';
import type { Marks } from './marks.ts';
import type { Progress } from './tell-progress.ts';

export interface StepContext {
  readonly join: JoinFile;
  readonly host: Host;
  readonly bundle: Bundle;
  readonly settings: MachineSettings;
  readonly identity: files.MachineIdentity;
  readonly marks: Marks;
  readonly say: (line: string) => void;
  readonly progress: Progress;
}

/** Executables and CNI plugins, straight to where they are used. */
export async function installBinaries({ join, bundle, progress }: StepContext): Promise<string> {
  const { bin, cni } = binariesFor(join.role, bundle);
  let fetched = 0;
  await eachOf([...bin, ...cni], 3, async ({ path, digest, size, to }) => {
    const onBytes = progress.file(path);
    const how = await fetchFile({ url: `${join.bundle.url}/${path}`, digest, size, to, mode: 0o755, onBytes });
    onBytes(size);
    if (how === 'fetched') fetched++;
  });
  return `${bin.length + cni.length} files, ${fetched} fetched`;
}

/** The files of the bundle that a role has, each with its place on the machine. */
export function binariesFor(role: JoinFile['role'], bundle: Bundle) {
  return {
    bin: bundle.bin
      .filter(({ roles }) => roles.includes(role))
      .map((file) => ({ ...file, to: `/usr/local/bin/${file.name}` })),
    cni: bundle.cni.map((file) => ({ ...file, to: `/opt/cni/bin/${file.name}` })),
  };
}

export async function setUpKernel({ host, settings }: StepContext): Promise<string> {
  await host.write(files.paths.modules, files.modulesFile, { mode: 0o644 });
  const changed = await writeIfChanged(host, files.paths.sysctl, files.sysctlFile(settings));
  // A kernel with these built in has no such modules to load.
  await host.run(['modprobe', '-a', '-q', 'overlay', 'nf_conntrack'], { within: seconds(20) });
  await must(host, ['sysctl', '-q', '-p', files.paths.sysctl], { within: seconds(20) });
  return changed ? 'forwarding on' : 'as it should be';
}

export async function setUpContainerd({ host, bundle, settings }: StepContext): Promise<string> {
  const { containerd, containerdBefore } = files.paths;
  const wanted = files.containerdConfig(settings, imageNamed(bundle, 'pause:'));
  const before = await host.read(containerd);
  const changed = before !== wanted;
  if (changed) {
    if (before !== undefined && (await host.read(containerdBefore)) === undefined)
      await host.write(containerdBefore, before, { mode: 0o644 });
    await host.write(containerd, wanted, { mode: 0o644 });
  }
  await must(host, ['systemctl', 'enable', '-q', 'containerd'], { within: seconds(30) });
  const serves = !changed && (await criState(host)) === 'ok';
  if (!serves) await must(host, ['systemctl', 'restart', 'containerd'], { within: seconds(90) });
  await waitFor("containerd's Kubernetes part to serve", () => criServes(host), { within: seconds(30) });
  if (changed) return 'configured and restarted';
  return serves ? 'as it should be' : 'restarted, because it did not serve';
}

async function criServes(host: Host): Promise<boolean> {
  const state = await criState(host);
  if (state !== 'error') return state === 'ok';
  // It keeps its reason to its log, and runs on without this part.
  const argv = ['journalctl', '--unit', 'containerd', '--no-pager', '--output', 'cat', '--lines', '400'];
  const log = await host.run(argv, { within: seconds(10) });
  const reason = log.stdout.split('\n').findLast((line) => /failed to load plugin.*\.cri\b/.test(line));
  throw new Error(reason ?? 'it failed to load; journalctl -u containerd tells why');
}

async function criState(host: Host): Promise<string | undefined> {
  const listed = await host.run(['ctr', 'plugins', 'ls'], { within: seconds(10) });
  return /^io\.containerd\.grpc\.v1\s+cri\s+\S+\s+(\S+)/m.exec(listed.stdout)?.[1];
}

export async function installImages(context: StepContext, turn: ImageTurn): Promise<string> {
  const { join, host, bundle, settings, marks, say, progress } = context;
  const listed = await must(host, ['ctr', '-n', 'k8s.io', 'images', 'ls', '-q'], { within: seconds(30) });
  const present = new Set(listed.split('\n'));
  const wanted = chooseImages(bundle.images, join.role, turn);
  const missing = wanted.filter(
    ({ path, digest, names }) => !marks.has(path, digest) || !names.every((name) => present.has(name)),
  );
  for (const { path, size } of wanted) if (!missing.some((one) => one.path === path)) progress.file(path)(size);
  // Two at a time: one comes over the network while the other is unpacked.
  await eachOf(missing, 2, async ({ path, digest, size }) => {
    const to = `/var/lib/isthmus/${path}`;
    const onBytes = progress.file(path);
    await fetchFile({ url: `${join.bundle.url}/${path}`, digest, size, to, mode: 0o644, onBytes });
    onBytes(size);
    progress.step(`importing ${path}`);
    const argv = ['ctr', '-n', 'k8s.io', 'images', 'import', '--snapshotter', settings.snapshotter, to];
    await must(host, argv, { within: minutes(10) });
    await marks.set(path, digest);
    // containerd has its own copy now.
    await rm(to, { force: true });
    say(`  ${path}`);
  });
  return `${wanted.length} images, ${missing.length} imported`;
}

export async function setUpKubelet({ host, join, settings }: StepContext): Promise<string> {
  const { paths } = files;
  const changed = [
    await writeIfChanged(host, paths.kubeletUnit, files.kubeletUnit),
    await writeIfChanged(host, paths.kubeletDropIn, files.kubeletDropIn),
    await writeIfChanged(host, paths.kubeletPatch, files.kubeletPatch(settings, join)),
  ].includes(true);
  if (join.role === 'control-plane')
    for (const [path, text] of files.staticPodPatches()) await writeIfChanged(host, path, text);
  // A worker has nothing in it; without it kubelet complains every second.
  await must(host, ['mkdir', '-p', '/etc/kubernetes/manifests'], { within: seconds(10) });
  if (changed) await must(host, ['systemctl', 'daemon-reload'], { within: seconds(60) });
  await must(host, ['systemctl', 'enable', '-q', 'kubelet'], { within: seconds(30) });
  return changed ? 'unit written' : 'as it should be';
}

export async function runKubeadm(context: StepContext): Promise<string> {
  const { join, host, settings, identity, marks, say, progress } = context;
  const key = `${join.cluster}/${join.machine}`;
  const hasIdentity = (await host.read('/etc/kubernetes/kubelet.conf')) !== undefined;
  if (hasIdentity && marks.has('kubeadm', key)) {
    await refuseUnencrypted(context);
    // Only a kubelet that starts makes its Node again, if that is what is missing.
    await must(host, ['systemctl', 'restart', 'kubelet'], { within: minutes(2) });
    return 'done before; kubelet restarted';
  }
  if (await isComplete(context)) {
    await refuseUnencrypted(context);
    await marks.set('kubeadm', key);
    return 'done before by a run that was cut short';
  }
  await refuseForeignNode(host, join);
  await clearHalfDone(host, say);
  if (join.secretsEncryption === true) await giveEncryptionKey(host);
  await host.write(files.paths.kubeadm, files.kubeadmConfig(join, identity), { mode: 0o600 });
  const ignored = settings.ignoredPreflight.map((check) => `--ignore-preflight-errors=${check}`);
  const argv = [...kubeadmArgv(join.role), ...ignored];
  const onLine = eachPhaseOnce((phase) => {
    say(`  kubeadm: ${phase}`);
    progress.step(`kubeadm: ${phase}`);
  });
  await must(host, argv, { within: minutes(6), onLine });
  await marks.set('kubeadm', key);
  return join.role === 'control-plane' ? 'control plane made' : 'joined';
}

/** A run that was cut short may have made it, from another cluster.yaml: nobody may believe that Secrets are encrypted which are not. */
async function refuseUnencrypted({ join, host }: StepContext): Promise<void> {
  if (join.secretsEncryption !== true) return;
  const manifest = await host.read('/etc/kubernetes/manifests/kube-apiserver.yaml');
  if (manifest?.includes('--encryption-provider-config=') !== false) return;
  throw new Error(
    `the control plane on ${join.machine} was made without encryption of Secrets, and cluster.yaml says secretsEncryption: true; write false, or make a new cluster (isthmus down, then isthmus up)`,
  );
}

/** A key that is there stays: Secrets may be stored with it. */
async function giveEncryptionKey(host: Host): Promise<void> {
  if ((await host.read(files.encryptionPath)) !== undefined) return;
  const key = randomBytes(32).toString('base64');
  await host.write(files.encryptionPath, files.encryptionConfiguration(key), { mode: 0o600 });
}

export function kubeadmArgv(role: JoinFile['role']): readonly string[] {
  const verb = role === 'control-plane' ? ['init', '--skip-phases=addon/coredns'] : ['join'];
  return ['kubeadm', ...verb, '--config', files.paths.kubeadm];
}

/** kubeadm's phases as they begin. The rest of what it prints is detail and advice, and the token is in it. */
function eachPhaseOnce(tell: (phase: string) => void): (line: string) => void {
  const told = new Set<string>();
  return (line) => {
    const phase = /^\[([a-z-]+)\]/.exec(line)?.[1];
    if (phase === undefined || told.has(phase)) return;
    told.add(phase);
    tell(phase);
  };
}

/** Whether an earlier run got through kubeadm and was killed before it could write that down. */
async function isComplete({ join, host }: StepContext): Promise<boolean> {
  if (join.role === 'control-plane') {
    // The proxy is the last thing that init makes.
    const argv = ['get', 'daemonset', 'kube-proxy', '--namespace', 'kube-system'];
    return (await kubectl(host, argv))?.code === 0;
  }
  const certificate = await host.read('/var/lib/kubelet/pki/kubelet-client-current.pem');
  if (certificate === undefined || (await host.read('/etc/kubernetes/kubelet.conf')) === undefined) return false;
  return (await host.run(['systemctl', 'is-active', '-q', 'kubelet'], { within: seconds(10) })).code === 0;
}

/** What is there may be half of our own try; it may as well be a control plane at work that we must not wipe. */
async function refuseForeignNode(host: Host, join: JoinFile): Promise<void> {
  const listed = await kubectl(host, ['get', 'nodes', '--output', 'name']);
  if (listed === undefined || listed.code !== 0) return;
  const others = listed.stdout.split('\n').filter((line) => line !== '' && line !== `node/${join.machine}`);
  if (others.length === 0) return;
  throw new Error(
    `this machine already is the control plane of a cluster with ${others.join(', ')}; if that cluster may go, run isthmus machine reset here first`,
  );
}

/** `undefined` where there is no administrator's kubeconfig, as on every node that is no control plane. */
async function kubectl(host: Host, argv: readonly string[]): Promise<Ran | undefined> {
  const admin = '/etc/kubernetes/admin.conf';
  if ((await host.read(admin)) === undefined) return undefined;
  return host.run(['kubectl', '--kubeconfig', admin, '--request-timeout=5s', ...argv], { within: seconds(15) });
}

async function clearHalfDone(host: Host, say: (line: string) => void): Promise<void> {
  const left = await host.run(
    [
      'sh',
      '-c',
      'ls -d /etc/kubernetes/manifests/*.yaml /etc/kubernetes/*.conf /var/lib/kubelet/config.yaml /var/lib/etcd/member',
    ],
    { within: seconds(10) },
  );
  if (left.stdout.trim() === '') return;
  say('  clearing what an unfinished try left');
  await must(host, ['kubeadm', 'reset', '--force', '--cri-socket', `unix://${files.paths.containerdSocket}`], {
    within: minutes(3),
  });
}

async function writeIfChanged(host: Host, path: string, text: string): Promise<boolean> {
  if ((await host.read(path)) === text) return false;
  await host.write(path, text, { mode: 0o644 });
  return true;
}
