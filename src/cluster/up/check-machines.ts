import { HostError } from '#host/host.ts';
import type { SiteMachineConfig } from '../config/config.ts';
import { caHashOf } from '../join/join-token.ts';
import { type CheckedAgainst, planChecks, portsOf, type Role } from '../join/plan-checks.ts';
import { observeRemotely } from '../join/remote-facts.ts';
import { apiAddress, cloudMachinesOf } from '../observe-cluster.ts';
import { openMachine, type Session } from '../session.ts';
import type { UpStep } from './plan-up.ts';

/**
 * Looks at every physical machine that the steps would make a node, before anything is made anywhere. Changes nothing on it.
 * @fails Error with everything that is wrong with any of them, each with its cure
 */
export async function checkMachines(session: Session, steps: readonly UpStep[]): Promise<void> {
  const chosen = session.config.machines.flatMap((machine) => {
    const role = roleIn(steps, machine.name);
    return role === undefined ? [] : [{ machine, role }];
  });
  if (chosen.length === 0) return;
  const around = await observeAround(session);
  const faults = await Promise.all(chosen.map(({ machine, role }) => faultsOf(session, machine, role, around)));
  session.signal.throwIfAborted();
  const told = faults.filter((fault) => fault !== undefined);
  if (told.length > 0)
    throw new Error(`${told.join('\n')}\nnothing was done on them; run isthmus up again when this is cleared`);
}

function roleIn(steps: readonly UpStep[], machine: string): Role | undefined {
  for (const step of steps) {
    if (step.do === 'join-machine' && step.machine === machine) return 'node';
    if (step.do === 'make-control-plane' && step.machine === machine) return 'control-plane';
  }
  return undefined;
}

interface Around {
  readonly cluster: CheckedAgainst['cluster'];
  /** Where the API server answers by what is known; `undefined` while there is none. */
  readonly api: { readonly address: string; readonly port: number } | undefined;
}

async function observeAround(session: Session): Promise<Around> {
  const access = await session.state.kubeAccess();
  if (access !== undefined) {
    const api = { address: apiAddress(session, await cloudMachinesOf(session)), port: 6443 };
    return { cluster: { caHash: caHashOf(access.ca) }, api };
  }
  // Of a cluster that was made from another computer, or whose kubeconfig was lost, we can't know the authority yet.
  const { controlPlane, cloudMachines } = session.config;
  const inCloud = cloudMachines.some(({ name }) => name === controlPlane);
  const mayBeMade = !inCloud || (await cloudMachinesOf(session)).some(({ name }) => name === controlPlane);
  return { cluster: mayBeMade ? 'unknown' : 'none', api: undefined };
}

async function faultsOf(
  session: Session,
  machine: SiteMachineConfig,
  role: Role,
  { cluster, api }: Around,
): Promise<string | undefined> {
  try {
    const host = await openMachine(session, machine);
    try {
      const facts = await observeRemotely(host, {
        ports: portsOf(role),
        bundleUrl: session.config.bundle.url,
        api: role === 'node' ? api : undefined,
      });
      const findings = planChecks(facts, role, { clock: "the operator's computer", cluster });
      const lines = findings.filter(({ weight }) => weight === 'fault').map(({ what, cure }) => `  ${what}: ${cure}`);
      if (lines.length === 0) return undefined;
      return [`${machine.name} (${machine.address}) can't become a ${role} yet:`, ...lines].join('\n');
    } finally {
      await host.close();
    }
  } catch (e) {
    if (e instanceof HostError) return e.message;
    throw e;
  }
}
