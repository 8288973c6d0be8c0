import type { MachineAct } from '#cloud/compute.ts';
import { makeKeyPair } from '#host/ssh-keys.ts';
import { admissionName } from '#kube/api/join-admission.ts';
import { leavingTaint } from '#kube/api/leaving.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { bootstrapScript, controlPlaneUserData, nodeUserData } from '#machine/bootstrap.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { joinRecordName } from '#machine/join-report.ts';
import { tokenLifetime } from '#machine/join-token.ts';
import { connectionDrain } from '#machine/leave.ts';
import { formatMs } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import type { Bundle } from '../bundle/bundle.ts';
import { downloadFor } from '../join/choose-images.ts';
import { dryRunJoin } from '../join/dry-run-join.ts';
import { Connections, outsidesOf, publicKeyFor, type Session } from '../session.ts';
import { lookingOnly } from '../state/state.ts';
import { nameOf, systemObjects, unwantedNames } from '../system-objects/system-objects.ts';
import { cloudMachineNamed, machineWish } from './cloud-machine.ts';
import { explainStep, type UpStep } from './plan-up.ts';
import { checkAgainstCloud } from './preflight.ts';
import { groupLimit } from './remove-group.ts';
import { drainLimit, leaveLimit } from './remove-machine.ts';
import { lookAndPlan } from './up.ts';

/**
 * The dry run of `up`: everything that it would do now, as text, as far as it is known beforehand; nothing is done.
 * @shape one paragraph a step: its reason, then calls of the cloud, objects of the cluster, commands and files by place
 * @fails as `up` before its first step
 */
export async function dryRunUp(session: Session, file: string): Promise<UpDryRun> {
  const looking: Session = { ...session, state: lookingOnly(session.state) };
  const connections = new Connections(looking);
  try {
    const { report } = session;
    const unmakeable = await report.look('looking at the cloud', () => checkAgainstCloud(looking, connections, file));
    const look = await lookAndPlan(looking, connections, { file, unmakeable, leftOut: new Map() });
    const bundle = await connections.bundle();
    const at = { session: looking, bundle, objects: await objectNames(looking, bundle) };
    const steps = look.stages.flat().map(async (step) => paragraph(explainStep(step), await dryRunStep(at, step)));
    return { steps: await Promise.all(steps), leftOut: look.untouched };
  } finally {
    await connections.close();
  }
}

export interface UpDryRun {
  /** One paragraph for each step. */
  readonly steps: readonly string[];
  /** What can't be done now, each with its cure. */
  readonly leftOut: readonly string[];
}

interface At {
  readonly session: Session;
  readonly bundle: Bundle;
  readonly objects: readonly string[];
}

function paragraph(title: string, lines: readonly string[]): string {
  return [title, ...lines.map((line) => `    ${line}`)].join('\n');
}

async function objectNames({ config, capabilities, keys, cloud }: Session, bundle: Bundle): Promise<readonly string[]> {
  const facts = {
    config,
    capabilities,
    bundle,
    keys,
    vpcRanges: [],
    api: { address: unknownAddress, port: 6443 },
    mtu: cloud.network.mtu,
    metadata: cloud.network.metadata,
    mostPorts: cloud.balancers.most.listeners,
    mostDisks: cloud.disks.mostPerMachine,
  };
  return systemObjects(facts).map(nameOf);
}

/** Stands for what the cloud has not given yet; never sent anywhere. */
const unknownAddress = '0.0.0.0';
/** As long as the certificate that kubeadm makes. */
const unknownAuthority = `-----BEGIN CERTIFICATE-----\n${`${'0'.repeat(64)}\n`.repeat(16)}-----END CERTIFICATE-----\n`;

async function dryRunStep(at: At, step: UpStep): Promise<readonly string[]> {
  const { session, objects } = at;
  const { state } = session;
  switch (step.do) {
    case 'create-cloud-machine':
      return createLines(at, step.machine);
    case 'start-cloud-machine':
      return cloudLines(session, { do: 'start', id: step.id });
    case 'replace-cloud-machine':
      return [...cloudLines(session, { do: 'remove', id: step.id }), ...(await createLines(at, step.machine))];
    case 'make-control-plane':
      return [
        ...hostKeyLines(session, step.machine),
        ...joinLines(at, step.machine, 'control-plane'),
        `on ${step.machine}: read /etc/kubernetes/admin.conf`,
        `here: write ${state.kubeconfigPath}`,
      ];
    case 'forget-node':
      return [`cluster: delete Node ${step.machine}`];
    case 'leave-balancers':
      return [
        `cluster: cordon Node ${step.machine}, and taint it ${leavingTaint}`,
        `cluster: wait until no load balancer sends to it, at most ${formatMs(leaveLimit)}`,
      ];
    case 'drain-node':
      return [
        `cluster: cordon Node ${step.machine}`,
        `cluster: evict its pods, except those of DaemonSets, as far as PodDisruptionBudgets allow, within ${formatMs(drainLimit)}`,
        `cluster: wait until connections from load balancers have had ${formatMs(connectionDrain)} to end`,
      ];
    case 'reset-machine':
      if (step.address === undefined)
        return [`on ${step.machine}: nothing, because its Node has no address; its Node is deleted all the same`];
      return [
        `on ${step.machine}: isthmus machine reset --yes, over SSH to ${step.address}`,
        'if it cannot be reached: nothing on it; its Node is deleted all the same',
      ];
    case 'remove-node-group':
      return [
        `cluster: delete NodeGroup ${step.group}`,
        `cluster: wait until the controller has drained and removed its machines, within ${formatMs(groupLimit)}`,
      ];
    case 'remove-cloud-machine':
      return cloudLines(session, { do: 'remove', id: step.id });
    case 'apply-objects':
      return [
        ...unwantedNames.map((name) => `cluster: delete ${name}, if it is there`),
        ...objects.map((name) => `cluster: apply ${name}, if it is missing or outdated`),
      ];
    case 'renew-token':
      return [
        `cluster: apply Secret kube-system/bootstrap-token-[secret], which expires in ${formatMs(tokenLifetime)}`,
        `cluster: apply ConfigMap ${systemNamespace}/${admissionName(step.machine)}, which lets ${step.machine} in once more`,
      ];
    case 'join-machine':
      return [
        `here: pin the host key of ${step.machine} in ${state.folder}/known_hosts`,
        `cluster: apply Machine ${step.machine}`,
        ...tokenLines(step.machine),
        ...joinLines(at, step.machine, 'node'),
      ];
    case 'remove-tokens':
      return [
        `cluster: delete what is labelled isthmus.dev/machine=${step.machine}: Secrets in kube-system; ConfigMap, Role, RoleBinding and Secret in ${systemNamespace}`,
        `cluster: delete ConfigMap ${systemNamespace}/${admissionName(step.machine)}`,
      ];
    case 'set-outside':
      return (
        outsidesOf(session)
          .find(({ what }) => what === step.what)
          ?.dryRun() ?? []
      );
    case 'wait-for-api':
    case 'wait-for-node':
    case 'wait-for-workloads':
      return ['cluster: only looks'];
  }
}

function cloudLines({ cloud }: Session, act: MachineAct): readonly string[] {
  return cloud.compute
    .dryRun(act)
    .map(
      ({ action, params }) => `cloud: ${[action, ...Object.entries(params).map(([k, v]) => `${k}=${v}`)].join(' ')}`,
    );
}

/** A machine of the site was never given one by us. */
function hostKeyLines({ config, state }: Session, name: string): readonly string[] {
  if (!config.cloudMachines.some((machine) => machine.name === name)) return [];
  return [
    `on ${name}: make an SSH host key in place of the one from its user data`,
    `here: pin that key in ${state.folder}/known_hosts, and remove ${state.folder}/hostkeys/${name} and ${name}.pub`,
  ];
}

function tokenLines(machine: string): readonly string[] {
  return [
    `cluster: apply Secret kube-system/bootstrap-token-[secret], which lets ${machine} join; it expires in ${formatMs(tokenLifetime)} unless it is renewed`,
    `cluster: apply ConfigMap ${systemNamespace}/${admissionName(machine)}, which lets ${machine} in once`,
    `cluster: apply ConfigMap, Role, RoleBinding and Secret ${systemNamespace}/${joinRecordName(machine)}, by which ${machine} reports its progress`,
  ];
}

async function createLines(at: At, name: string): Promise<readonly string[]> {
  const { session } = at;
  const { config, state } = session;
  const inCharge = name === config.controlPlane;
  const userData = inCharge
    ? await operatorsUserData(session, name)
    : nodeUserData(joinFile(session, name, 'node'), downloadFor('node', at.bundle), unknownAuthority);
  const wish = machineWish(session, cloudMachineNamed(session, name), userData);
  return [
    ...(inCharge
      ? [`here: write ${state.folder}/hostkeys/${name} and ${name}.pub, and pin the key in ${state.folder}/known_hosts`]
      : tokenLines(name)),
    ...cloudLines(session, { do: 'create', wish }),
    ...(inCharge ? [] : joinLines(at, name, 'node')),
  ];
}

async function operatorsUserData(session: Session, name: string): Promise<string> {
  const access = session.config.ssh;
  if (access === undefined) throw new Error('cluster.yaml has no ssh key for the control plane');
  const { private: hostPrivate, public: hostPublic } = await session.state.hostKeys(name, () => makeKeyPair(name));
  return controlPlaneUserData({ operator: await publicKeyFor(session, access), hostPrivate, hostPublic });
}

function joinLines({ session, bundle }: At, name: string, role: JoinFile['role']): readonly string[] {
  const join = joinFile(session, name, role);
  const { files, commands } = dryRunJoin(join, bundle);
  const ca = role === 'node' ? unknownAuthority : undefined;
  const size = Buffer.byteLength(bootstrapScript(join, downloadFor(role, bundle), ca));
  const way = session.config.machines.find((machine) => machine.name === name);
  const user = way?.ssh.user ?? session.config.ssh?.user ?? 'root';
  const bySsh = way !== undefined || role === 'control-plane';
  const how = bySsh ? `over SSH as ${user}@${way?.address ?? name}` : 'by cloud-init';
  return [
    `on ${name}: sh -s, ${how}, with a script of ${size} bytes that starts isthmus machine join`,
    ...files.map((path) => `on ${name}: write ${path}`),
    ...commands.map((command) => `on ${name}: ${command}`),
  ];
}

/** As long as the real one; token and hash are not made for a dry run. */
function joinFile({ config, cloud }: Session, machine: string, role: JoinFile['role']): JoinFile {
  const inCloud = config.cloudMachines.some(({ name }) => name === machine);
  return {
    format: 'isthmus-join/v1',
    cluster: config.name,
    machine,
    role,
    ground: inCloud ? 'cloud' : 'site',
    kubernetes: config.kubernetes,
    bundle: config.bundle,
    api: { address: unknownAddress, port: 6443 },
    provider: cloud.provider,
    region: config.cloud.region,
    zone: config.cloud.zone,
    services: formatCidr(config.network.services),
    ...(role === 'control-plane' && { secretsEncryption: config.secretsEncryption }),
    ...(role === 'node' && { admission: { token: '[secret].[secret-secret-s]', caHash: `sha256:${'0'.repeat(64)}` } }),
  };
}
