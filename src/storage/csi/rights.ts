import type { IServiceAccount } from 'kubernetes-models/v1';
import type { SystemObject } from '#capability/capability.ts';
import type { Named } from '#capability/named.ts';
import { onlyOwnCondition } from '#capability/own-node.ts';
import { type Rules, refusing, rightsAtHome, rightsEverywhere } from '#capability/rights.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { serviceAccounts } from '#kube/resources.ts';
import { diskDriver } from '../driver.ts';
import { localDriver, poolsCondition } from '../local/driver.ts';
import { shareDriver } from '../share/driver.ts';
import { localFences } from './local-fence.ts';
import {
  csiControllerName,
  csiLocalName,
  csiNodeName,
  csiShareControllerName,
  csiShareNodeName,
  snapshotControllerName,
} from './names.ts';

/** What one program may do in the whole cluster, and in our own namespace. */
interface Account {
  readonly name: string;
  readonly everywhere: Rules;
  /** In our own namespace. */
  readonly own: Rules;
  /** The Leases by which its parts are elected. */
  readonly leases: readonly string[];
}

const core = '';
const storage = 'storage.k8s.io';
const snapshots = 'snapshot.storage.k8s.io';
const read = ['get', 'list', 'watch'];
const events = { apiGroups: [core], resources: ['events'], verbs: ['create', 'patch', 'update'] };
/** As the sidecars make it part of a Lease's name. */
const dashed = (driver: string): string => driver.replaceAll('.', '-');

/**
 * Those that the sidecars' projects list, for all sidecars of the pod at once and without what we do not use: secrets, volume attribute classes, groups of
 * snapshots, capacity.
 * @source deploy/kubernetes/rbac.yaml of external-provisioner v6.4.0, external-attacher v4.13.0, external-resizer v2.3.0;
 *         deploy/kubernetes/csi-snapshotter and snapshot-controller of external-snapshotter v8.7.0
 */
const ofDisks: readonly Account[] = [
  {
    name: csiControllerName,
    everywhere: [
      { apiGroups: [core], resources: ['persistentvolumes'], verbs: [...read, 'create', 'patch', 'delete'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims'], verbs: [...read, 'update'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims/status'], verbs: ['patch'] },
      { apiGroups: [core], resources: ['nodes'], verbs: read },
      events,
      { apiGroups: [storage], resources: ['storageclasses', 'csinodes', 'volumeattributesclasses'], verbs: read },
      { apiGroups: [storage], resources: ['volumeattachments'], verbs: [...read, 'patch'] },
      { apiGroups: [storage], resources: ['volumeattachments/status'], verbs: ['patch'] },
      { apiGroups: [snapshots], resources: ['volumesnapshotclasses'], verbs: read },
      { apiGroups: [snapshots], resources: ['volumesnapshots'], verbs: [...read, 'update'] },
      { apiGroups: [snapshots], resources: ['volumesnapshotcontents'], verbs: [...read, 'update', 'patch'] },
      { apiGroups: [snapshots], resources: ['volumesnapshotcontents/status'], verbs: ['update', 'patch'] },
    ],
    // What it was asked to make and does not know to be done.
    own: [{ apiGroups: [core], resources: ['configmaps'], verbs: ['list', 'create', 'patch', 'delete'] }],
    leases: [
      dashed(diskDriver),
      `external-attacher-leader-${dashed(diskDriver)}`,
      `external-resizer-${dashed(diskDriver)}`,
      `external-snapshotter-leader-${dashed(diskDriver)}`,
    ],
  },
  {
    name: snapshotControllerName,
    everywhere: [
      { apiGroups: [core], resources: ['persistentvolumes'], verbs: read },
      { apiGroups: [core], resources: ['persistentvolumeclaims'], verbs: [...read, 'update'] },
      events,
      { apiGroups: [snapshots], resources: ['volumesnapshotclasses'], verbs: read },
      {
        apiGroups: [snapshots],
        resources: ['volumesnapshotcontents', 'volumesnapshots'],
        verbs: [...read, 'create', 'update', 'patch', 'delete'],
      },
      {
        apiGroups: [snapshots],
        resources: ['volumesnapshotcontents/status', 'volumesnapshots/status'],
        verbs: ['update', 'patch'],
      },
    ],
    own: [],
    leases: ['snapshot-controller-leader'],
  },
  // Which machine of the cloud it runs on.
  { name: csiNodeName, everywhere: [{ apiGroups: [core], resources: ['nodes'], verbs: ['get'] }], own: [], leases: [] },
];

/** A machine of the site makes, grows and removes its own volumes, and says how its pools are; `localFences` tell one machine's from another's. */
const ofLocal: readonly Account[] = [
  {
    name: csiLocalName,
    everywhere: [
      { apiGroups: [core], resources: ['persistentvolumes'], verbs: [...read, 'create', 'patch', 'delete'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims'], verbs: [...read, 'update'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims/status'], verbs: ['patch'] },
      { apiGroups: [core], resources: ['nodes'], verbs: read },
      // One condition of its own; `onlyOwnPools` sees to that.
      { apiGroups: [core], resources: ['nodes/status'], verbs: ['patch'] },
      events,
      { apiGroups: [storage], resources: ['storageclasses', 'csinodes', 'volumeattributesclasses'], verbs: read },
    ],
    own: [
      // How much room each machine has, for the scheduler.
      {
        apiGroups: [storage],
        resources: ['csistoragecapacities'],
        verbs: [...read, 'create', 'update', 'patch', 'delete'],
      },
      { apiGroups: [core], resources: ['pods'], verbs: ['get'] },
    ],
    leases: [`external-resizer-${dashed(localDriver)}`],
  },
];

const ofShares: readonly Account[] = [
  {
    name: csiShareControllerName,
    everywhere: [
      { apiGroups: [core], resources: ['persistentvolumes'], verbs: [...read, 'create', 'patch', 'delete'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims'], verbs: [...read, 'update'] },
      { apiGroups: [core], resources: ['persistentvolumeclaims/status'], verbs: ['patch'] },
      { apiGroups: [core], resources: ['nodes'], verbs: read },
      events,
      { apiGroups: [storage], resources: ['storageclasses', 'csinodes', 'volumeattributesclasses'], verbs: read },
      // What its volumes have left behind in shares.
      { apiGroups: [storage], resources: ['csidrivers'], resourceNames: [shareDriver], verbs: ['get', 'patch'] },
    ],
    own: [],
    leases: [dashed(shareDriver), `external-resizer-${dashed(shareDriver)}`],
  },
];

/** The accounts of one driver and all that is bound to them. */
function rightsOf(accounts: readonly Account[]): readonly SystemObject[] {
  return accounts.flatMap(({ name, everywhere, own, leases }) => {
    const metadata = { name, namespace: systemNamespace };
    const account: Named<IServiceAccount> = { apiVersion: 'v1', kind: 'ServiceAccount', metadata };
    const group = { apiGroups: ['coordination.k8s.io'], resources: ['leases'] };
    const atHome: Rules = [
      ...own,
      { ...group, verbs: ['create'] },
      // Not those of the controller, which lie in the same namespace.
      { ...group, resourceNames: [...leases], verbs: ['get', 'update'] },
    ];
    return [
      { resource: serviceAccounts, object: account },
      ...rightsEverywhere({ name, account: name, rules: everywhere }),
      ...(leases.length === 0 ? [] : rightsAtHome({ name, account: name, rules: atHome })),
    ];
  });
}

export const diskRights: readonly SystemObject[] = rightsOf(ofDisks);

const onlyOwnPools = onlyOwnCondition({
  name: 'isthmus-csi-local-writes-own-condition',
  account: csiLocalName,
  who: 'csi-local',
  condition: poolsCondition,
});

/** The policies first: it takes a moment until they hold. */
export const localRights: readonly SystemObject[] = [
  ...[onlyOwnPools, ...localFences].flatMap(refusing),
  ...rightsOf(ofLocal),
];
export const shareRights: readonly SystemObject[] = [
  ...rightsOf(ofShares),
  {
    resource: serviceAccounts,
    object: {
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: csiShareNodeName, namespace: systemNamespace },
    } satisfies Named<IServiceAccount>,
  },
];
