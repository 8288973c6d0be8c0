import type { CloudMachine } from '#cloud/compute.ts';
import { type Host, must } from '#host/host.ts';
import { fingerprint } from '#host/host-key.ts';
import { machines } from '#kube/api/machine.ts';
import { bootstrapScript, pastedLine } from '#machine/bootstrap.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { caHashOf, giveJoinToken, prolongJoinToken, tokenLifetime } from '#machine/join-token.ts';
import { formatMs, hours, minutes, ms, now, seconds, waitFor } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import type { ClusterConfig, SiteMachineConfig } from '../config/config.ts';
import { downloadFor } from '../join/choose-images.ts';
import { chooseMaxPods } from '../join/choose-max-pods.ts';
import { forgetJoin, needsReset } from '../join/undo-join.ts';
import { apiAddress, cloudMachinesOf } from '../observe-cluster.ts';
import { openMachine, type Session } from '../session.ts';
import { applySystemObjects } from '../system-objects/system-objects.ts';
import type { At } from './at.ts';
import { reachWithOwnHostKey } from './own-host-key.ts';
import { resetOver } from './remove-machine.ts';

export async function makeControlPlane(at: At): Promise<void> {
  const { session, connections, say } = at;
  const name = session.config.controlPlane;
  const onSite = session.config.machines.find((machine) => machine.name === name);
  const host = onSite === undefined ? await reachCloudControlPlane(at, name) : await openMachine(session, onSite);
  try {
    const ground = onSite === undefined ? 'cloud' : 'site';
    const { join } = await joinFileFor(at, {
      name,
      role: 'control-plane',
      ground,
      ...(onSite !== undefined && { nodeIp: onSite.address }),
    });
    await runBootstrap(at, host, bootstrapScript(join, downloadFor('control-plane', await connections.bundle())));
    const kubeconfig = await host.read('/etc/kubernetes/admin.conf');
    if (kubeconfig === undefined)
      throw new Error(
        `${name} has no /etc/kubernetes/admin.conf after its join; look at /var/lib/isthmus/join-result.json there`,
      );
    await session.state.saveKubeconfig(kubeconfig);
    say(`kubeconfig saved: ${session.state.kubeconfigPath}`);
  } finally {
    await host.close();
  }
}

/** It boots, takes its host key from its user data and lets us in; until then every failure means "not yet". */
async function reachCloudControlPlane({ session, say }: At, name: string): Promise<Host> {
  const { config, signal } = session;
  const ssh = config.ssh;
  if (ssh === undefined) throw new Error('cluster.yaml has no ssh key for the control plane');
  const machine = await waitForAddress(session, name);
  say(`${machine.id} has ${machine.ip}; waiting for its SSH`);
  const reach = (): Promise<Host> => openMachine(session, { name, address: machine.ip, ssh }, seconds(10));
  return waitFor(
    `SSH to ${name} at ${machine.ip}`,
    () => reachWithOwnHostKey({ name, state: session.state, reach, signal }),
    { within: minutes(5), every: ms(500), signal },
  );
}

function waitForAddress(session: Session, name: string): Promise<{ id: string; ip: string }> {
  return waitFor(
    `the cloud to run ${name} with an address`,
    async () => {
      const machine: CloudMachine | undefined = (await cloudMachinesOf(session)).find((one) => one.name === name);
      if (machine?.nic !== undefined && machine.state === 'running') return { id: machine.id, ip: machine.nic.ip };
      throw new Error(machine === undefined ? 'the cloud does not list it' : `${machine.id} is ${machine.state}`);
    },
    { within: minutes(5), every: seconds(1), signal: session.signal },
  );
}

export async function joinSiteMachine(at: At, name: string): Promise<void> {
  const { session, say } = at;
  const machine = session.config.machines.find((one) => one.name === name);
  if (machine === undefined) throw new Error(`cluster.yaml has no machine ${name}`);
  await session.state.keepAccess(name, machine.ssh);
  const { only } = at;
  if (only?.doing === 'add' && only.paste !== undefined) {
    await applyMachine(at, machine);
    only.paste(pastedLine(await siteScript(at, machine, 'is-undone')));
    return;
  }
  const host = await openMachine(session, machine);
  try {
    await recordMachine(at, machine);
    const script = await siteScript(at, machine);
    say(`joining ${machine.address}`);
    const wasPlain = only !== undefined && (await isPlain(host));
    try {
      await whileProlonging(at, name, () => runBootstrap(at, host, script));
    } catch (e) {
      // Of a run that was stopped the next one makes use.
      if (wasPlain && !session.signal.aborted) await undoJoin(at, host);
      throw e;
    }
  } finally {
    await host.close();
  }
}

async function siteScript(
  at: At,
  { name, address }: SiteMachineConfig,
  failed: 'stays' | 'is-undone' = 'stays',
): Promise<string> {
  const { join, ca } = await joinFileFor(at, { name, role: 'node', ground: 'site', nodeIp: address });
  return bootstrapScript(join, downloadFor('node', await at.connections.bundle()), ca, failed);
}

/** Whether no join has left anything on it, finished or not. */
async function isPlain(host: Host): Promise<boolean> {
  const script = 'test ! -e /etc/isthmus/join.json && test ! -e /etc/kubernetes/kubelet.conf';
  return (await host.run(['sh', '-c', script], { within: seconds(10) })).code === 0;
}

/** A failed join leaves the machine as it was. What cannot be undone is told, and the join's own failure stays what it was. */
async function undoJoin({ session, say, leave }: At, host: Host): Promise<void> {
  try {
    if (await needsReset(host)) await resetOver(session, host, say);
    else await forgetJoin(host);
    session.report.say(`${host.name} is again as it was before the join`);
  } catch (e) {
    leave(
      `${host.name} could not be made again what it was before the join: ${messageOf(e)}; run isthmus machine reset on it, or try the join again`,
    );
  }
}

/**
 * Written before the node comes, so that nothing ever takes it for a machine of the cloud.
 * @fails Error naming who holds a field of it, when another has changed it
 */
export async function recordMachine(at: At, machine: SiteMachineConfig): Promise<void> {
  if ((await at.session.state.pinned(machine.name)) !== undefined) await applyMachine(at, machine);
}

async function applyMachine({ session, connections }: At, machine: SiteMachineConfig): Promise<void> {
  const hostKey = await session.state.pinned(machine.name);
  const kube = await connections.kube();
  await waitFor('the API server to serve Machine objects', () => kube.list(machines), {
    within: seconds(30),
    signal: session.signal,
  });
  const object = {
    metadata: { name: machine.name },
    spec: {
      address: machine.address,
      ...(hostKey !== undefined && { hostKey: fingerprint(hostKey) }),
      podNetwork: machine.podNetwork,
    },
  };
  await applySystemObjects(kube, [{ resource: machines, object }]);
}

/** Without a limit on the whole: on a slow line it takes its time. What is silent for longer than any step may take has stopped. */
async function runBootstrap({ session, say }: At, host: Host, script: string): Promise<void> {
  const silent = new AbortController();
  const limit = minutes(12);
  const giveUp = (): void =>
    silent.abort(new Error(`${host.name} has reported nothing for ${formatMs(limit)}; check its network and its disk`));
  let timer = setTimeout(giveUp, limit);
  const onLine = (line: string): void => {
    clearTimeout(timer);
    timer = setTimeout(giveUp, limit);
    say(line);
  };
  const signal = AbortSignal.any([session.signal, silent.signal]);
  try {
    await must(host, ['sh', '-s'], { within: hours(24), stdin: script, onLine, signal });
  } finally {
    clearTimeout(timer);
  }
}

/** A machine that is long about its join must not find its token expired at the end. */
async function whileProlonging({ connections, say }: At, machine: string, work: () => Promise<void>): Promise<void> {
  const kube = await connections.kube();
  const prolong = (): void => {
    prolongJoinToken(kube, machine, now()).catch((e: unknown) => say(`prolonging its join token: ${messageOf(e)}`));
  };
  const timer = setInterval(prolong, tokenLifetime / 3);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
}

/** What a machine is told to join with; each that is to be a node has a token of its own. @shape ca: of the cluster, for a node */
export async function joinFileFor(
  { session, connections }: At,
  machine: Pick<JoinFile, 'role' | 'ground'> & { readonly name: string; readonly nodeIp?: string },
): Promise<{ readonly join: JoinFile; readonly ca?: string }> {
  const { config, cloud, state } = session;
  const address = apiAddress(session, await cloudMachinesOf(session));
  const base: JoinFile = {
    format: 'isthmus-join/v1',
    cluster: config.name,
    machine: machine.name,
    role: machine.role,
    ground: machine.ground,
    kubernetes: config.kubernetes,
    bundle: config.bundle,
    api: { address, port: 6443 },
    provider: cloud.provider,
    region: config.cloud.region,
    zone: machine.ground === 'cloud' ? config.cloud.zone : siteZone,
    services: formatCidr(config.network.services),
    ...(machine.nodeIp !== undefined && { nodeIp: machine.nodeIp }),
    ...(machine.ground === 'site' && { maxPods: chooseMaxPods(podAddressesOf(config, machine.name)) }),
  };
  if (machine.role === 'control-plane') return { join: { ...base, secretsEncryption: config.secretsEncryption } };
  const access = await state.kubeAccess();
  if (access === undefined) throw new Error(`no kubeconfig at ${state.kubeconfigPath}; run isthmus up again`);
  const token = await giveJoinToken(await connections.kube(), machine.name, now());
  return { join: { ...base, admission: { token, caHash: caHashOf(access.ca) } }, ca: access.ca };
}

/** A subnet's first and last address go to no pod. Bridged machines share their range; a slice grows as far as it has room. */
function podAddressesOf({ network, machines }: ClusterConfig, name: string): number {
  const { routed, bridged } = network.site;
  const isBridged = machines.find((machine) => machine.name === name)?.podNetwork === 'bridged';
  if (isBridged && bridged !== undefined) return bridged.pods.last - bridged.pods.first + 1;
  return routed === undefined ? 0 : 2 ** (32 - routed.perMachine) - 2;
}

/** All of the site is one zone: Services prefer their own side of the line by it. */
const siteZone = 'site';
