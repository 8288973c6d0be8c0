import type { CloudMachine, MachineWish } from '#cloud/compute.ts';
import { CloudError } from '#cloud/failure.ts';
import { type Host, must } from '#host/host.ts';
import { fingerprint, parseHostKey } from '#host/host-key.ts';
import { makeKeyPair, publicKeyOf } from '#host/ssh-keys.ts';
import { machines } from '#kube/api/machine.ts';
import { parseKubeconfig } from '#kube/kubeconfig.ts';
import { nodes } from '#kube/resources.ts';
import { formatMs, type Ms, minutes, ms, now, seconds, waitFor } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { bootstrapScript, controlPlaneUserData, nodeUserData } from './bootstrap.ts';
import type { CloudMachineConfig, SiteMachineConfig } from './config.ts';
import type { JoinFile } from './join/join-file.ts';
import { caHashOf, makeJoinToken, removeJoinTokens } from './join-token.ts';
import { apiAddress, cloudMachinesOf, isReady, observeUnready, wantedObjects } from './observe-up.ts';
import type { UpStep } from './plan-up.ts';
import { askCloud, type Connections, mark, openMachine, type Session } from './session.ts';
import { applySystemObjects, nameOf, observeSystemObjects } from './system-objects/system-objects.ts';

type Say = (line: string) => void;

/** Takes one step of `up`. Every one can be repeated after a crash at any place. */
export async function performUp(session: Session, connections: Connections, step: UpStep, say: Say): Promise<void> {
  const at = { session, connections, say };
  switch (step.do) {
    case 'create-cloud-machine':
      return createCloudMachine(at, step.machine);
    case 'start-cloud-machine':
      return askCloud(session, `starting ${step.machine}`, () =>
        session.cloud.compute.power(step.id, 'start', { within: minutes(3) }),
      );
    case 'replace-cloud-machine':
      await askCloud(session, `removing ${step.machine}`, () =>
        session.cloud.compute.remove(step.id, mark(session), { within: minutes(5) }),
      );
      return createCloudMachine(at, step.machine);
    case 'make-control-plane':
      return makeControlPlane(at);
    case 'wait-for-api':
      return waitForApi(at);
    case 'forget-node':
      return (await connections.kube()).delete(nodes, { name: step.machine });
    case 'apply-objects':
      return applyObjects(at);
    case 'join-machine':
      return joinSiteMachine(at, step.machine);
    case 'wait-for-node':
      return waitForNode(at, step.machine);
    case 'remove-tokens':
      return removeJoinTokens(await connections.kube(), step.machine);
    case 'set-routes':
      return session.routes?.set(await connections.kube());
    case 'wait-for-workloads':
      return waitForWorkloads(at);
  }
}

interface At {
  readonly session: Session;
  readonly connections: Connections;
  readonly say: Say;
}

async function createCloudMachine(at: At, name: string): Promise<void> {
  const { session, say } = at;
  const { config, cloud, state } = session;
  const asked = cloudMachineNamed(session, name);
  const userData = name === config.controlPlane ? await letOperatorIn(session, name) : await letNodeJoin(at, name);
  const wish = machineWish(session, asked, userData);
  await settleEarlierCreate(at, name);
  await state.beginCreate(name, now());
  const machine = await askCloud(session, `creating ${name}`, () =>
    cloud.compute.create(wish, { within: minutes(2) }),
  ).catch(async (e: unknown) => {
    // Of any other failure we know that nothing was made.
    if (e instanceof CloudError && e.failure.kind !== 'unknown') await state.endCreate(name);
    throw e;
  });
  await state.endCreate(name);
  say(`${machine.id} is ${machine.state}`);
}

/** What the cloud is asked for. */
export function machineWish(
  { config }: Session,
  { name, image, cpu, memory, disk }: CloudMachineConfig,
  userData: string,
): MachineWish {
  const { zone, vpc, subnet } = config.cloud;
  return { name, mark: config.name, zone, image, vpc, subnet, cpu, memory, bootDisk: disk, userData };
}

/** How long a machine that the cloud has accepted may be missing in its lists. @source src/cloud/ucloud/create.ts, lookAgain */
const longestLag = seconds(10);

/** A run that was killed while it asked leaves a machine that may not be listed yet; asking again would make a second. */
async function settleEarlierCreate({ session, say }: At, name: string): Promise<void> {
  const begun = await session.state.createBegun(name);
  if (begun === undefined) return;
  say('an earlier run asked for it and did not hear the answer; looking whether it comes');
  await waitFor(
    `the cloud to list ${name}, or ${formatMs(longestLag)} to pass since it was asked`,
    async () => now() - begun > longestLag || (await cloudMachinesOf(session)).some((machine) => machine.name === name),
    { within: minutes(1), every: seconds(1), signal: session.signal },
  );
}

export function cloudMachineNamed({ config }: Session, name: string): CloudMachineConfig {
  const found = config.cloudMachines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`cluster.yaml names no cloud machine ${name}`);
  return found;
}

async function letOperatorIn(session: Session, name: string): Promise<string> {
  const access = session.config.ssh;
  if (access === undefined) throw new Error('cluster.yaml has no ssh key for the control plane');
  const keys = await session.state.hostKeys(name, () => makeKeyPair(name));
  const hostKey = parseHostKey(keys.public);
  if (hostKey === undefined)
    throw new Error(`${session.state.folder}/hostkeys/${name}.pub is no host key; remove it and its other half`);
  await session.state.pin(name, hostKey);
  return controlPlaneUserData({
    operator: publicKeyOf(await session.readKey(access.key)),
    hostPrivate: keys.private,
    hostPublic: keys.public,
  });
}

async function letNodeJoin(at: At, name: string): Promise<string> {
  const join = await joinFileFor(at, { name, role: 'node', ground: 'cloud' });
  return nodeUserData(join, await at.connections.bundle());
}

async function joinFileFor(
  { session, connections }: At,
  machine: Pick<JoinFile, 'role' | 'ground'> & { readonly name: string; readonly nodeIp?: string },
): Promise<JoinFile> {
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
  };
  if (machine.role === 'control-plane') return base;
  const { ca } = parseKubeconfig((await state.kubeconfig()) ?? '');
  if (ca === undefined)
    throw new Error(`${state.kubeconfigPath} holds no authority; remove it and run isthmus up again`);
  const token = await makeJoinToken(await connections.kube(), machine.name, now());
  return { ...base, admission: { token, caHash: caHashOf(ca) } };
}

/** All of the site is one zone: Services prefer their own side of the line by it. */
const siteZone = 'site';

async function makeControlPlane(at: At): Promise<void> {
  const { session, connections, say } = at;
  const name = session.config.controlPlane;
  const onSite = session.config.machines.find((machine) => machine.name === name);
  const host = onSite === undefined ? await reachCloudControlPlane(at, name) : await openMachine(session, onSite);
  try {
    const ground = onSite === undefined ? 'cloud' : 'site';
    const join = await joinFileFor(at, {
      name,
      role: 'control-plane',
      ground,
      ...(onSite !== undefined && { nodeIp: onSite.address }),
    });
    await runBootstrap(at, host, bootstrapScript(join, await connections.bundle()));
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
  return waitFor(
    `SSH to ${name} at ${machine.ip}`,
    () => openMachine(session, { name, address: machine.ip, ssh }, seconds(10)),
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

async function joinSiteMachine(at: At, name: string): Promise<void> {
  const { session, connections, say } = at;
  const machine = session.config.machines.find((one) => one.name === name);
  if (machine === undefined) throw new Error(`cluster.yaml names no machine ${name}`);
  const host = await openMachine(session, machine);
  try {
    await recordMachine(at, machine);
    const join = await joinFileFor(at, { name, role: 'node', ground: 'site', nodeIp: machine.address });
    say(`joining ${machine.address}`);
    await runBootstrap(at, host, bootstrapScript(join, await connections.bundle()));
  } finally {
    await host.close();
  }
}

/** Written before the node comes, so that nothing ever takes it for a machine of the cloud. */
async function recordMachine({ session, connections }: At, machine: SiteMachineConfig): Promise<void> {
  const hostKey = await session.state.pinned(machine.name);
  if (hostKey === undefined) return;
  const kube = await connections.kube();
  const spec = { address: machine.address, hostKey: fingerprint(hostKey) };
  await waitFor(
    'the API server to serve Machine objects',
    () => kube.apply(machines, { metadata: { name: machine.name }, spec }, { manager: 'isthmus-up', force: true }),
    { within: seconds(30), signal: session.signal },
  );
}

async function runBootstrap({ session, say }: At, host: Host, script: string): Promise<void> {
  await must(host, ['sh', '-s'], { within: minutes(20), stdin: script, onLine: say, signal: session.signal });
}

async function waitForApi({ session, connections }: At): Promise<void> {
  const kube = await connections.kube();
  const serves = async (): Promise<true> => {
    await kube.read('/readyz', { within: seconds(5) });
    return true;
  };
  await waitFor('the API server to answer', serves, {
    within: minutes(4),
    every: seconds(1),
    signal: session.signal,
  });
}

async function applyObjects(at: At): Promise<void> {
  const { session, connections, say } = at;
  const kube = await connections.kube();
  const wanted = await wantedObjects(session, connections, await cloudMachinesOf(session));
  const stale = await observeSystemObjects(kube, wanted);
  await applySystemObjects(kube, stale);
  for (const object of stale) say(nameOf(object));
  const controlPlane = session.config.machines.find(({ name }) => name === session.config.controlPlane);
  if (controlPlane !== undefined) await recordMachine(at, controlPlane);
}

async function waitForNode(at: At, name: string): Promise<void> {
  const kube = await at.connections.kube();
  await waitTelling(at, `node ${name} to be ready`, minutes(6), async () => {
    const node = await kube.get(nodes, { name });
    if (node === undefined)
      return 'it has not joined yet; its own account is in /var/log/isthmus-join.log on the machine';
    if (isReady(node)) return undefined;
    const ready = node.status?.conditions?.find(({ type }) => type === 'Ready');
    return `it has joined and is not ready: ${ready?.message ?? 'no condition yet'}`;
  });
  await waitFor(
    `the API server to reach port 10250 of ${name}; open it to the control plane in the firewalls on the machine and on the way, or logs and exec will not work`,
    async () => {
      await kube.read(`/api/v1/nodes/${name}/proxy/healthz`, { within: seconds(5) });
      return true;
    },
    { within: seconds(30), every: seconds(1), signal: at.session.signal },
  );
}

async function waitForWorkloads(at: At): Promise<void> {
  const kube = await at.connections.kube();
  await waitTelling(at, "the cluster's own parts to run", minutes(5), async () => {
    const unready = await observeUnready(kube);
    return unready.length === 0 ? undefined : unready.join(', ');
  });
}

/** Waits until nothing is missing any more, and tells what is missing whenever that changes. */
function waitTelling(
  { session, say }: At,
  what: string,
  within: Ms,
  missing: () => Promise<string | undefined>,
): Promise<true> {
  let told = '';
  const look = async (): Promise<true> => {
    const lacks = await missing();
    if (lacks === undefined) return true;
    if (lacks !== told) say(lacks);
    told = lacks;
    throw new Error(lacks);
  };
  return waitFor(what, look, { within, every: ms(500), signal: session.signal });
}
