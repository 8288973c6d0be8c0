import type { Outside, SystemObject } from '#capability/capability.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import { isReady } from '#kube/api/condition.ts';
import { isControlPlane } from '#kube/api/control-plane.ts';
import { nodeGroups } from '#kube/api/node-group.ts';
import type { Kube } from '#kube/kube.ts';
import { listIfServed } from '#kube/list-if-served.ts';
import { nodes } from '#kube/resources.ts';
import { formatAmount } from '#machine/join-report.ts';
import { observeJoining, observeJoinTokens } from '#machine/join-token.ts';
import { now, seconds } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import { observeUnreached } from '../kubelet-reach.ts';
import { apiAddress, askApi, cloudMachinesOf, observeUnready } from '../observe-cluster.ts';

import { askCloud, type Connections, outsidesOf, type Session } from '../session.ts';
import {
  isOfFile,
  nameOf,
  observeSystemObjects,
  observeUnwanted,
  systemObjects,
} from '../system-objects/system-objects.ts';
import type { OneMachine } from './at.ts';
import type { OutsideSeen, UpSeen } from './plan-up.ts';

/** The one look that a turn of `up` plans from; of kubelets only those are asked that `only` leaves of interest. */
export async function observeUp(
  session: Session,
  connections: Connections,
  only: OneMachine | undefined,
): Promise<UpSeen> {
  const { config } = session;
  const listed = await cloudMachinesOf(session);
  const cloudMachines = listed.map(({ name, id, state, nic }) => ({ name, id, state, address: nic?.ip }));
  const access = await session.state.kubeAccess();
  const kube = await connections.kubeIfMade();
  const api = kube === undefined ? 'none' : await askApi(kube);
  const outsides = outsidesOf(session);
  const nothing: UpSeen = {
    at: now(),
    cloudMachines,
    api,
    apiAddress: access === undefined ? undefined : new URL(access.server).hostname,
    groups: [],
    nodes: [],
    tokens: [],
    joining: [],
    staleObjects: [],
    unready: [],
    // Not asked yet: what they lack shows when there are nodes.
    outsides: outsides.map(({ what, follows }) => ({ what, follows, difference: [] })),
  };
  if (kube === undefined || api !== 'answers') return nothing;
  const [allNodes, groups] = await Promise.all([kube.list(nodes), listIfServed(kube, nodeGroups)]);
  const own = new Set([...config.cloudMachines, ...config.machines].map(({ name }) => name));
  // They come and go as their controller decides. A machine of cluster.yaml is none of them, whatever a record says.
  const grouped = new Set(
    groups.flatMap(({ status }) => (status?.members ?? []).map(({ name }) => name)).filter((name) => !own.has(name)),
  );
  const isOurs = (name: string): boolean => !grouped.has(name);
  const seenNodes = allNodes.filter(({ metadata }) => isOurs(metadata.name));
  // One that does not answer is waited for; a machine that goes need not, and others are of no concern to a run for one.
  const isAsked = (name: string): boolean => only === undefined || (only.doing === 'add' && only.machine === name);
  const ready = seenNodes
    .filter(isReady)
    .map(({ metadata }) => metadata.name)
    .filter(isAsked);
  const [unreached, tokens, joining, stale, unwanted, unready, differing] = await Promise.all([
    observeUnreached(kube, ready, session.signal),
    observeJoinTokens(kube),
    observeJoining(kube),
    wantedObjects(session, connections, listed).then((wanted) => observeSystemObjects(kube, wanted)),
    observeUnwanted(kube),
    observeUnready(kube, { tolerate: 'nodes-that-are-not-ready' }),
    Promise.all(outsides.map((outside) => lookAtOutside(session, kube, outside))),
  ]);
  return {
    ...nothing,
    cloudMachines: cloudMachines.filter(({ name }) => isOurs(name)),
    groups: groups
      .filter(({ metadata }) => isOfFile(metadata))
      .map(({ metadata, status }) => ({ name: metadata.name, machines: status?.members?.length ?? 0 })),
    nodes: seenNodes.map((node) => ({
      name: node.metadata.name,
      ready: isReady(node),
      providerId: node.spec?.providerID,
      isControlPlane: isControlPlane(node),
      unreached: unreached.get(node.metadata.name),
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    })),
    tokens: tokens.filter(({ machine }) => isOurs(machine)),
    joining: joining
      .filter(({ machine }) => isOurs(machine))
      .map(({ machine, hasToken, report, stalledSince }) => ({
        machine,
        hasToken,
        amount: report === undefined ? undefined : formatAmount(report),
        stalledSince,
      })),
    staleObjects: [...stale, ...unwanted].map(nameOf),
    unready: unready.map(({ part }) => part),
    outsides: differing,
  };
}

/** What can't be reached, such as a gateway behind a cut line, must not keep the rest from being done. */
async function lookAtOutside(
  { signal }: Session,
  kube: Kube,
  { what, follows, difference }: Outside,
): Promise<OutsideSeen> {
  try {
    return { what, follows, difference: await difference(kube) };
  } catch (e) {
    signal.throwIfAborted();
    return { what, follows, difference: [], fault: `${what} cannot be checked: ${messageOf(e)}` };
  }
}

/** The objects that this configuration and this version want in the cluster. */
export async function wantedObjects(
  session: Session,
  connections: Connections,
  cloudMachines: readonly CloudMachine[],
): Promise<readonly SystemObject[]> {
  const { config, capabilities, cloud, keys } = session;
  const vpc = await askCloud(session, `looking up ${config.cloud.vpc}`, () =>
    cloud.network.vpc(config.cloud.vpc, { within: seconds(20) }),
  );
  return systemObjects({
    config,
    capabilities,
    bundle: await connections.bundle(),
    keys,
    vpcRanges: vpc.ranges.map(formatCidr),
    api: { address: apiAddress(session, cloudMachines), port: 6443 },
    mtu: config.network.mtu ?? cloud.network.mtu,
    metadata: cloud.network.metadata,
    mostPorts: cloud.balancers.most.listeners,
    mostDisks: cloud.disks.mostPerMachine,
  });
}
