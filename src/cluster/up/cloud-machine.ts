import type { MachineWish } from '#cloud/compute.ts';
import { CloudError } from '#cloud/failure.ts';
import { parseHostKey } from '#host/host-key.ts';
import { makeKeyPair } from '#host/ssh-keys.ts';
import { controlPlaneUserData, nodeUserData } from '#machine/bootstrap.ts';
import { removeJoinTokens } from '#machine/join-token.ts';
import { formatMs, minutes, now, seconds, waitFor } from '#unit/clock.ts';
import type { CloudMachineConfig } from '../config/config.ts';
import { downloadFor } from '../join/choose-images.ts';
import { cloudMachinesOf } from '../observe-cluster.ts';
import { askCloud, mark, publicKeyFor, type Session } from '../session.ts';
import type { At } from './at.ts';
import { joinFileFor } from './join-machine.ts';

/** Asks for the machine, which then comes and joins by itself. After a crash at any place it can be called again. */
export async function createCloudMachine(at: At, name: string): Promise<void> {
  const { session, say } = at;
  const { config, cloud, state } = session;
  const asked = cloudMachineNamed(session, name);
  const userData = name === config.controlPlane ? await letOperatorIn(session, name) : await letNodeJoin(at, name);
  const wish = machineWish(session, asked, userData);
  await settleEarlierCreate(at, name);
  await state.beginCreate(name, now());
  let isDoubtful = false;
  const machine = await askCloud(session, `creating ${name}`, async () => {
    const answer = await cloud.compute.create(wish, { within: minutes(2) });
    if (!answer.ok && answer.failure.kind === 'unknown') isDoubtful = true;
    return answer;
  }).catch(async (e: unknown) => {
    // Of any other failure we know that nothing was made.
    if (e instanceof CloudError && !isDoubtful) await state.endCreate(name);
    throw e;
  });
  await state.endCreate(name);
  say(`${machine.id} is ${machine.state}`);
}

/** What the cloud is asked for. */
export function machineWish(
  { config }: Session,
  { name, image, cpu, memory, disk, elasticInterfaces: elastic }: CloudMachineConfig,
  userData: string,
): MachineWish {
  const { zone, vpc, subnet } = config.cloud;
  return {
    name,
    mark: config.name,
    zone,
    image,
    vpc,
    subnet,
    cpu,
    memory,
    bootDisk: disk,
    charge: 'hour',
    elastic,
    userData,
  };
}

/** How long a machine that the cloud has accepted may be missing in its lists. @source src/cloud/ucloud/make-once.ts */
const longestLag = seconds(10);

/** A run that was killed while it asked leaves a machine that may not be listed yet; asking again would make a second. */
async function settleEarlierCreate({ session, say }: At, name: string): Promise<void> {
  const begun = await session.state.createBegun(name);
  if (begun === undefined) return;
  say('an earlier run asked for it and did not get the answer; checking whether it appears');
  await waitFor(
    `the cloud to list ${name}, or ${formatMs(longestLag)} to pass since it was asked`,
    async () => now() - begun > longestLag || (await cloudMachinesOf(session)).some((machine) => machine.name === name),
    { within: minutes(1), every: seconds(1), signal: session.signal },
  );
}

export function cloudMachineNamed({ config }: Session, name: string): CloudMachineConfig {
  const found = config.cloudMachines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`cluster.yaml has no cloud machine ${name}`);
  return found;
}

async function letOperatorIn(session: Session, name: string): Promise<string> {
  const access = session.config.ssh;
  if (access === undefined) throw new Error('cluster.yaml has no ssh key for the control plane');
  const keys = await session.state.hostKeys(name, () => makeKeyPair(name));
  const hostKey = parseHostKey(keys.public);
  if (hostKey === undefined)
    throw new Error(`${session.state.folder}/hostkeys/${name}.pub is not a host key; remove it and ${name} beside it`);
  await session.state.pin(name, hostKey);
  return controlPlaneUserData({
    operator: await publicKeyFor(session, access),
    hostPrivate: keys.private,
    hostPublic: keys.public,
  });
}

async function letNodeJoin(at: At, name: string): Promise<string> {
  const { join, ca = '' } = await joinFileFor(at, { name, role: 'node', ground: 'cloud' });
  return nodeUserData(join, downloadFor('node', await at.connections.bundle()), ca);
}

/** Ends the machine that is there and asks for another of the name. */
export async function replaceCloudMachine(at: At, machine: string, id: string): Promise<void> {
  await removeCloudMachine(at, machine, id);
  // The next one gets its own, and its own record of progress.
  await removeJoinTokens(await at.connections.kube(), machine);
  await createCloudMachine(at, machine);
}

/** Ends the machine, which must carry our mark. */
export function removeCloudMachine({ session }: At, machine: string, id: string): Promise<void> {
  return askCloud(session, `removing ${machine}`, () =>
    session.cloud.compute.remove(id, mark(session), { within: minutes(5) }),
  );
}

export function startCloudMachine({ session }: At, machine: string, id: string): Promise<void> {
  return askCloud(session, `starting ${machine}`, () =>
    session.cloud.compute.power(id, 'start', { within: minutes(3) }),
  );
}
