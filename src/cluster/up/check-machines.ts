import { HostError } from '#host/host.ts';
import { nodes, pods } from '#kube/resources.ts';
import { caHashOf } from '#machine/join-token.ts';
import type { SiteMachineConfig } from '../config/config.ts';
import { type CheckedAgainst, planChecks, portsOf, type Role } from '../join/plan-checks.ts';
import { observeRemotely } from '../join/remote-facts.ts';
import { apiAddress, askApi, cloudMachinesOf } from '../observe-cluster.ts';
import { type Connections, openMachine, type Session } from '../session.ts';
import { choosePods, type PodSeen } from './choose-pods.ts';
import type { UpStep } from './plan-up.ts';

/**
 * Looks at every physical machine that the steps would make a node, before anything is made anywhere. Changes nothing on it.
 * @shape of each that can't become a node now, by its name: everything that is wrong with it, each with its cure
 */
export async function checkMachines(
  session: Session,
  connections: Connections,
  steps: readonly UpStep[],
): Promise<ReadonlyMap<string, string>> {
  const chosen = session.config.machines.flatMap((machine) => {
    const step = steps.find(
      (one) => (one.do === 'join-machine' || one.do === 'make-control-plane') && one.machine === machine.name,
    );
    return step === undefined ? [] : [{ machine, step }];
  });
  if (chosen.length === 0) return new Map();
  const around = await observeAround(session, connections);
  const faults = await Promise.all(
    chosen.map(async ({ machine, step }) => [machine.name, await faultsOf(session, machine, step, around)] as const),
  );
  session.signal.throwIfAborted();
  return new Map(faults.flatMap(([name, fault]) => (fault === undefined ? [] : [[name, fault] as const])));
}

interface Around {
  readonly cluster: CheckedAgainst['cluster'];
  /** Where the API server answers by what is known; `undefined` while there is none. */
  readonly api: { readonly address: string; readonly port: number } | undefined;
  /** One of each side, which every machine must reach. */
  readonly pods: readonly PodSeen[];
}

async function observeAround(session: Session, connections: Connections): Promise<Around> {
  const access = await session.state.kubeAccess();
  if (access !== undefined) {
    const api = { address: apiAddress(session, await cloudMachinesOf(session)), port: 6443 };
    return { cluster: { caHash: caHashOf(access.ca) }, api, pods: await observePods(connections) };
  }
  // Of a cluster that was made from another computer, or whose kubeconfig was lost, we can't know the authority yet.
  const { controlPlane, cloudMachines } = session.config;
  const inCloud = cloudMachines.some(({ name }) => name === controlPlane);
  const mayBeMade = !inCloud || (await cloudMachinesOf(session)).some(({ name }) => name === controlPlane);
  return { cluster: mayBeMade ? 'unknown' : 'none', api: undefined, pods: [] };
}

/** CoreDNS runs on both sides, and is there before any machine joins. */
async function observePods(connections: Connections): Promise<readonly PodSeen[]> {
  const kube = await connections.kube();
  if ((await askApi(kube)) !== 'answers') return [];
  const [listed, all] = await Promise.all([
    kube.list(pods, { namespace: 'kube-system', labelSelector: 'k8s-app=kube-dns' }),
    kube.list(nodes),
  ]);
  return choosePods(listed, all);
}

async function faultsOf(
  session: Session,
  machine: SiteMachineConfig,
  step: UpStep,
  { cluster, api, pods }: Around,
): Promise<string | undefined> {
  const role: Role = step.do === 'join-machine' ? 'node' : 'control-plane';
  const where = `${machine.name} (${machine.address})`;
  const title =
    step.do === 'join-machine' && step.hasNode
      ? `the node ${where} is not ready, and its join cannot be completed`
      : `${where} can't become a ${role} yet`;
  try {
    const host = await openMachine(session, machine);
    try {
      const facts = await observeRemotely(host, {
        ports: portsOf(role),
        bundleUrl: session.config.bundle.url,
        api: role === 'node' ? api : undefined,
        pods: role === 'node' ? pods.filter(({ node }) => node !== machine.name) : [],
      });
      const findings = planChecks(facts, role, { clock: "the operator's computer", cluster });
      for (const { what, why, cure } of findings.filter(({ weight }) => weight === 'warning'))
        session.report.say(`warning: ${where}: ${what}: ${why}; ${cure}`);
      const lines = findings.filter(({ weight }) => weight === 'fault').map(({ what, cure }) => `  ${what}: ${cure}`);
      if (lines.length === 0) return undefined;
      return [`${title}:`, ...lines].join('\n');
    } finally {
      await host.close();
    }
  } catch (e) {
    if (e instanceof HostError) return `${title}: ${e.message}`;
    throw e;
  }
}
