import { describe, expect, test } from 'vitest';
import { balancerFinalizer } from '#kube/api/leaving.ts';
import type { NodeObject, ServiceObject } from '#kube/resources.ts';
import { recordAnnotation } from './annotations.ts';
import { chooseBackEnds, excludeLabel, nodeSeen } from './choose-back-ends.ts';
import { parseWish, portWishes } from './parse-wish.ts';
import { type BalancerStep, planBalancer } from './plan-balancer.ts';
import { parseRecord } from './record.ts';
import { isClaimed, isWanted } from './service.ts';

/*
 * The case tables of upstream's service controller, run against what decides here.
 * @source k8s.io/cloud-provider v0.36.0, controllers/service/controller_test.go (Apache License 2.0). The last column is what upstream
 *         expects; a further one, where there is one, is what is expected here instead, with the reason.
 * Ported: TestNeedsCleanup, TestNeedsUpdate, Test_respectsPredicates, Test_shouldSyncUpdatedNode_individualPredicates and
 *         _compoundedPredicates, TestNodesNotEqual, TestSyncLoadBalancerIfNeeded, TestUpdateNodesInExternalLoadBalancer.
 * Not ported, because they test parts that do not exist here: TestServiceCache, TestServiceQueueDelay, TestSlowNodeSync,
 *         TestListWithPredicate and TestNodeChanges… (its cache, its queue, its lister and its two-stage node sync);
 *         TestAddFinalizer, TestRemoveFinalizer, TestPatchStatus, TestProcessService…, TestSyncService (calls of its fake client: the
 *         same is shown with a real API server in test/lab/balancer).
 */

interface NodeRow {
  readonly name?: string;
  readonly ready?: 'True' | 'False' | undefined;
  readonly excluded?: string;
  readonly taint?: string;
  readonly label?: string;
  readonly other?: string;
  readonly isDeleted?: true;
  readonly id?: string | undefined;
}

const leaving = 'ToBeDeletedByClusterAutoscaler';
const good: NodeRow = { ready: 'True', id: 'uhost-1' };

function nodeOf({ name = 'node', ready, excluded, taint, label, other, isDeleted, id }: NodeRow): NodeObject {
  const lastTransitionTime = '2026-11-29T06:00:00Z';
  return {
    metadata: {
      name,
      labels: {
        'isthmus.dev/ground': 'cloud',
        ...(excluded !== undefined && { [excludeLabel]: excluded }),
        ...(label !== undefined && { [label]: '' }),
      },
      ...(isDeleted && { deletionTimestamp: lastTransitionTime }),
    },
    spec: {
      ...(id !== undefined && { providerID: `ucloud://cn-bj2-04/${id}` }),
      ...(taint !== undefined && { taints: [{ key: taint, effect: 'NoSchedule' }] }),
    },
    status: {
      conditions: [
        ...(ready === undefined ? [] : [{ type: 'Ready', status: ready, lastTransitionTime }]),
        ...(other === undefined ? [] : [{ type: 'DiskPressure', status: other, lastTransitionTime }]),
      ],
    },
  } as NodeObject;
}

/** Beside another one that is ready: when none is, readiness does not decide. */
const beside = nodeSeen(nodeOf({ ...good, name: 'other', id: 'uhost-9' }));

function chosenWith(...rows: readonly NodeRow[]) {
  const nodes = [...rows.map((row) => nodeSeen(nodeOf(row))), beside];
  return chooseBackEnds(nodes, 'ucloud', Number.POSITIVE_INFINITY);
}

describe('Test_respectsPredicates: which nodes are back ends', () => {
  const needsId = 'the cloud knows machines by their ids, and without one nothing can be asked of it';
  const rows: readonly [node: NodeRow, upstream: boolean, here?: boolean, why?: string][] = [
    [{}, false],
    [good, true],
    [{ ready: 'True' }, true, false, needsId],
    [{ ready: 'False', id: 'uhost-1' }, false],
    [{ ...good, label: 'any' }, true],
    [{ ...good, excluded: '' }, false],
    [{ ...good, excluded: 'false' }, true],
    [{ ...good, excluded: 'true' }, false],
    [{ ...good, excluded: 'foo' }, false],
    [{ ...good, taint: leaving }, false],
  ];
  test.each(rows)('%j: %s', (node, upstream, here = upstream) => {
    expect(chosenWith(node).machines.includes('uhost-1')).toBe(here);
  });
});

describe('Test_shouldSyncUpdatedNode: which changes of a node make the balancers be looked at', () => {
  const excluded = { ...good, excluded: '' };
  const tainted = { ...good, taint: leaving };
  const unready = { ...good, ready: 'False' as const };
  const unset = { ...good, ready: undefined };
  const nameless = { ...good, id: undefined };
  const drains = 'a node that leaves is taken out at once, and its connections drain before its machine goes';
  const follows = 'a node that is not ready is taken out here while another one is ready';
  const told = 'the reason that is told changes, and no call to the cloud follows';
  const unknown = 'a node without an id is no back end, whatever else it is';
  const rows: readonly [title: string, from: NodeRow, to: NodeRow, upstream: boolean, here?: boolean, why?: string][] =
    [
      ['nothing changed', good, good, false],
      ['excluded F->T', good, excluded, true],
      ['excluded T->F', excluded, good, true],
      ['excluded T->T', excluded, excluded, false],
      ['other taint F->T', good, { ...good, taint: 'other' }, false],
      ['other taint T->F', { ...good, taint: 'other' }, good, false],
      ['other label F->T', good, { ...good, label: 'other' }, false],
      ['other label T->F', { ...good, label: 'other' }, good, false],
      ['readiness F->F', unready, unready, false],
      ['readiness F->unset', unready, unset, false],
      ['readiness unset->F', unset, unready, false],
      ['readiness unset->unset', unset, unset, false],
      ['ready F, other condition F->T', { ...unready, other: 'False' }, { ...unready, other: 'True' }, false],
      ['ready F, other condition T->F', { ...unready, other: 'True' }, { ...unready, other: 'False' }, false],
      ['ready T, other condition F->T', { ...good, other: 'False' }, { ...good, other: 'True' }, false],
      ['ready T, other condition T->F', { ...good, other: 'True' }, { ...good, other: 'False' }, false],
      ['deletionTimestamp F->T', good, { ...good, isDeleted: true }, false, true, drains],
      ['providerID set F->T', nameless, good, true],
      ['providerID set T->F', good, nameless, true],
      ['providerID change', good, { ...good, id: 'uhost-2' }, true],
      ['tainted T, excluded F->T', tainted, { ...tainted, excluded: '' }, true],
      ['tainted T, excluded T->F', { ...tainted, excluded: '' }, tainted, true],
      ['tainted T, providerID set F->T', { ...tainted, id: undefined }, tainted, true],
      ['tainted T, providerID set T->F', tainted, { ...tainted, id: undefined }, true],
      [
        'tainted T, providerID change',
        tainted,
        { ...tainted, id: 'uhost-2' },
        true,
        false,
        'it is no back end under either id',
      ],
      ['tainted T, ready F->T', { ...unready, taint: leaving }, tainted, false],
      ['tainted T, ready T->F', tainted, { ...unready, taint: leaving }, false],
      ['excluded T, tainted F->T', excluded, { ...excluded, taint: leaving }, false],
      ['excluded T, tainted T->F', { ...excluded, taint: leaving }, excluded, false],
      ['excluded T, ready F->T', { ...unready, excluded: '' }, excluded, false],
      ['excluded T, ready T->F', excluded, { ...unready, excluded: '' }, false],
      ['excluded T, providerID set F->T', { ...excluded, id: undefined }, excluded, true],
      ['excluded T, providerID set T->F', excluded, { ...excluded, id: undefined }, true],
      [
        'excluded T, providerID change',
        excluded,
        { ...excluded, id: 'uhost-2' },
        true,
        false,
        'it is no back end under either id',
      ],
      ['ready F, tainted F->T', unready, { ...unready, taint: leaving }, false, true, told],
      ['ready F, tainted T->F', { ...unready, taint: leaving }, unready, false, true, told],
      ['ready F, excluded F->T', unready, { ...unready, excluded: '' }, true],
      ['ready F, excluded T->F', { ...unready, excluded: '' }, unready, true],
      ['ready F, providerID set F->T', { ...unready, id: undefined }, unready, true],
      ['ready F, providerID set T->F', unready, { ...unready, id: undefined }, true],
      [
        'ready F, providerID change',
        unready,
        { ...unready, id: 'uhost-2' },
        true,
        false,
        'it is no back end under either id',
      ],
      ['providerID unset, excluded F->T', nameless, { ...nameless, excluded: '' }, true, false, unknown],
      ['providerID unset, excluded T->F', { ...nameless, excluded: '' }, nameless, true, false, unknown],
      ['providerID unset, ready F->T', { ...nameless, ready: 'False' }, nameless, false],
      ['providerID unset, ready T->F', nameless, { ...nameless, ready: 'False' }, false],
      ['providerID unset, tainted T->F', { ...nameless, taint: leaving }, nameless, false],
      ['providerID unset, tainted F->T', nameless, { ...nameless, taint: leaving }, false],
      // Not a row of upstream: what its predicates for a stable node set leave out.
      ['ready T->F', good, unready, false, true, follows],
      ['tainted F->T', good, tainted, false, true, drains],
    ];
  test.each(rows)('%s', (_title, from, to, upstream, here = upstream) => {
    expect(JSON.stringify(chosenWith(from)) !== JSON.stringify(chosenWith(to))).toBe(here);
  });
});

describe('TestNodesNotEqual: which sets of nodes are other back ends', () => {
  const [one, two, three] = ['node1', 'node2', 'node3'].map((name) => ({ ...good, name, id: `uhost-${name}` }));
  const rows: readonly [string, readonly (NodeRow | undefined)[], readonly (NodeRow | undefined)[], boolean][] = [
    ['updated providerID', [one, two].map((row) => ({ ...row, id: undefined })), [one, two], true],
    ['unchanged', [one, { ...two, id: undefined }], [one, { ...two, id: undefined }], false],
    ['another node', [one, two], [one, three], true],
  ];
  test.each(rows)('%s', (_title, from, to, upstream) => {
    const machinesOf = (all: typeof from) => chosenWith(...all.flatMap((row) => row ?? [])).machines;
    expect(JSON.stringify(machinesOf(from)) !== JSON.stringify(machinesOf(to))).toBe(upstream);
  });
});

const uid = 'u-1';
const external: ServiceObject = {
  metadata: { name: 'external-balancer', namespace: 'default', uid },
  spec: { type: 'LoadBalancer', ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080 }] },
};

function serviceWith(spec: object, metadata: object = {}): ServiceObject {
  return { metadata: { ...external.metadata, ...metadata }, spec: { ...external.spec, ...spec } } as ServiceObject;
}

describe('TestNeedsUpdate: which changes of a Service are asked of the cloud', () => {
  const nodeOnly = 'kube-proxy follows it on the nodes, and the balancer has nothing to do with it';
  const listeners = (...ports: readonly number[]) => ({
    ports: ports.map((port) => ({ port, protocol: 'TCP', nodePort: 30_000 + (port % 100) })),
  });
  const port = (change: object) => ({ ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080, ...change }] });
  const rows: readonly [
    title: string,
    from: ServiceObject,
    to: ServiceObject,
    upstream: boolean,
    here?: boolean,
    why?: string,
  ][] = [
    ['type to ClusterIP', external, serviceWith({ type: 'ClusterIP' }), true],
    ['ports', serviceWith(listeners(8000, 9000, 10_000)), serviceWith(listeners(8001, 9001, 10_001)), true],
    [
      'count of external IPs',
      serviceWith({ externalIPs: ['192.0.2.1'] }),
      serviceWith({ externalIPs: ['192.0.2.2', '192.0.2.3'] }),
      true,
      false,
      nodeOnly,
    ],
    [
      'external IPs',
      serviceWith({ externalIPs: ['192.0.2.1', '192.0.2.4'] }),
      serviceWith({ externalIPs: ['192.0.2.2', '192.0.2.3'] }),
      true,
      false,
      nodeOnly,
    ],
    ['UID', serviceWith({}, { uid: 'UID old' }), serviceWith({}, { uid: 'UID new' }), true],
    ['externalTrafficPolicy', external, serviceWith({ externalTrafficPolicy: 'Local' }), true],
    [
      'healthCheckNodePort',
      external,
      serviceWith({ healthCheckNodePort: 30_123 }),
      true,
      false,
      'nodes are asked on the port of kube-proxy itself',
    ],
    [
      'target port by number',
      serviceWith(port({ targetPort: 20 })),
      serviceWith(port({ targetPort: 21 })),
      true,
      false,
      nodeOnly,
    ],
    [
      'target port by name',
      serviceWith(port({ targetPort: 22 })),
      serviceWith(port({ targetPort: 'dns' })),
      true,
      false,
      nodeOnly,
    ],
    ['same appProtocol', serviceWith(port({ appProtocol: 'http' })), serviceWith(port({ appProtocol: 'http' })), false],
    [
      'appProtocol set',
      external,
      serviceWith(port({ appProtocol: 'http' })),
      true,
      false,
      'balancers of layer 4 do not look into connections',
    ],
    [
      'appProtocol changed',
      serviceWith(port({ appProtocol: 'http' })),
      serviceWith(port({ appProtocol: 'tcp' })),
      true,
      false,
      'balancers of layer 4 do not look into connections',
    ],
    [
      'single stack to dual stack',
      serviceWith({ ipFamilies: ['IPv4'] }),
      serviceWith({ ipFamilies: ['IPv4', 'IPv6'] }),
      true,
      false,
      'balancers have IPv4 alone',
    ],
    [
      'dual stack to single stack',
      serviceWith({ ipFamilies: ['IPv4', 'IPv6'] }),
      serviceWith({ ipFamilies: ['IPv4'] }),
      true,
      false,
      'balancers have IPv4 alone',
    ],
    ['same families', serviceWith({ ipFamilies: ['IPv4'] }), serviceWith({ ipFamilies: ['IPv4'] }), false],
  ];
  const asked = (service: ServiceObject): string =>
    JSON.stringify([service.metadata.uid, isWanted(service) && parseWish(service, { subnet: 'subnet-1', most })]);
  test.each(rows)('%s', (_title, from, to, upstream, here = upstream) => {
    expect(asked(from) !== asked(to)).toBe(here);
  });
});

const claimed = { finalizers: [balancerFinalizer], annotations: { [recordAnnotation]: '{"uses":"made"}' } };
const deleted = { deletionTimestamp: '2026-11-29T06:00:00Z' };

const most = { network: 5, direct: 50, application: 50 };

describe('TestNeedsCleanup: which Services have their balancer taken away', () => {
  const rows: readonly [string, ServiceObject, boolean][] = [
    ['without finalizer', serviceWith({ type: undefined }), false],
    ['finalizer, not deleted, without LB', serviceWith({ type: 'NodePort' }, claimed), true],
    ['finalizer, not deleted, with LB', serviceWith({}, claimed), false],
    ['finalizer, deleted', serviceWith({ type: undefined }, { ...claimed, ...deleted }), true],
  ];
  test.each(rows)('%s', (_title, service, upstream) => {
    expect(isClaimed(service) && !isWanted(service)).toBe(upstream);
  });
});

/** The first step for a Service; `isThere`: the cloud has its balancer. */
function firstStep(service: ServiceObject, isThere: boolean): BalancerStep {
  const balancer = {
    id: 'nlb-1',
    name: 'any',
    mark: 'shop',
    owner: uid,
    createdAt: 1,
    vpc: 'vpc-1',
    subnet: 'subnet-1',
    address: undefined,
    charge: 'hour' as const,
    listeners: [],
  };
  return planBalancer({
    layer: 'network',
    mark: 'shop',
    owner: uid,
    vpc: 'vpc-1',
    subnet: 'subnet-1',
    wish: isWanted(service) ? parseWish(service, { subnet: 'subnet-1', most }) : undefined,
    ports: portWishes(service),
    isClaimed: isClaimed(service),
    record: parseRecord(service.metadata.annotations),
    published: [],
    backEnds: { machines: ['uhost-1'], left: [] },
    endpoints: { ready: 1, nodes: new Set(['node']) },
    mostListeners: 5,
    cloud: {
      state: 'known',
      balancer: isThere ? balancer : undefined,
      surplus: [],
      addresses: [],
      certificates: [],
      bound: [],
      inDoubt: false,
      markLost: undefined,
    },
  } as Parameters<typeof planBalancer>[0]);
}

describe('TestSyncLoadBalancerIfNeeded: what is done first for a Service', () => {
  const on = (protocol: string) => serviceWith({ ports: [{ port: 80, protocol, nodePort: 30_080 }] });
  const rows: readonly [string, ServiceObject, boolean, BalancerStep['do'], string?][] = [
    ["doesn't want LB", serviceWith({ type: 'ClusterIP' }), false, 'ignore'],
    ['udp', on('UDP'), false, 'claim'],
    ['tcp', on('TCP'), false, 'claim'],
    ['sctp', on('SCTP'), false, 'hold', 'upstream leaves the refusal to the cloud; here it is told on the Service'],
    ['loadBalancerClass', serviceWith({ loadBalancerClass: 'custom-loadbalancer' }), false, 'ignore'],
    ['finalizer, no longer wants LB', serviceWith({ type: 'ClusterIP' }, claimed), true, 'remove'],
    ['needs cleanup', serviceWith({}, { ...claimed, ...deleted }), true, 'remove'],
    ['finalizer, wants LB', serviceWith({}, claimed), false, 'create'],
  ];
  test.each(rows)('%s', (_title, service, isThere, step) => {
    expect(firstStep(service, isThere).do).toBe(step);
  });
});

describe('TestUpdateNodesInExternalLoadBalancer: which Services get the nodes', () => {
  const rows: readonly [string, readonly string[], number][] = [
    ['none', [], 0],
    ['without balancers', ['ClusterIP', 'NodePort'], 0],
    ['one', ['LoadBalancer'], 1],
    ['three', ['LoadBalancer', 'LoadBalancer', 'LoadBalancer'], 3],
    ['two of four', ['NodePort', 'LoadBalancer', 'LoadBalancer', 'ClusterIP'], 2],
  ];
  test.each(rows)('%s', (_title, types, upstream) => {
    expect(types.filter((type) => isWanted(serviceWith({ type })))).toHaveLength(upstream);
  });
});
