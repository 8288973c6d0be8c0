import type { Outside, SystemObject } from '#capability/capability.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import { isReady } from '#kube/api/condition.ts';
import { isControlPlane } from '#kube/api/control-plane.ts';
import type { Kube } from '#kube/kube.ts';
import { nodes } from '#kube/resources.ts';
import { formatAmount } from '#machine/join-report.ts';
import { observeJoining, observeJoinTokens } from '#machine/join-token.ts';
import { now, seconds } from '#unit/clock.ts';
import { formatCidr } from '#unit/ip.ts';
import { messageOf } from '#unit/message-of.ts';
import { observeUnreached } from '../kubelet-reach.ts';
import { apiAddress, askApi, cloudMachinesOf, observeUnready } from '../observe-cluster.ts';

import { askCloud, type Connections, outsidesOf, type Session } from '../session.ts';
import { nameOf, observeSystemObjects, observeUnwanted, systemObjects } from '../system-objects/system-objects.ts';
import type { OutsideSeen, UpSeen } from './plan-up.ts';

/** The one look that a turn of `up` plans from. */
export async function observeUp(session: Session, connections: Connections): Promise<UpSeen> {
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
    nodes: [],
    tokens: [],
    joining: [],
    staleObjects: [],
    unready: [],
    // Not asked yet: what they lack shows when there are nodes.
    outsides: outsides.map(({ what, follows }) => ({ what, follows, difference: [] })),
  };
  if (kube === undefined || api !== 'answers') return nothing;
  const seenNodes = await kube.list(nodes);
  const ready = seenNodes.filter(isReady).map(({ metadata }) => metadata.name);
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
    nodes: seenNodes.map((node) => ({
      name: node.metadata.name,
      ready: isReady(node),
      providerId: node.spec?.providerID,
      isControlPlane: isControlPlane(node),
      unreached: unreached.get(node.metadata.name),
      address: node.status?.addresses?.find(({ type }) => type === 'InternalIP')?.address,
    })),
    tokens,
    joining: joining.map(({ machine, hasToken, report, stalledSince }) => ({
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
