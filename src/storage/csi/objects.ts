import type { ClusterFacts, SystemObject } from '#capability/capability.ts';
import { type CrdObject, customResourceDefinitions } from '#kube/crd.ts';
import type { KubeObject, Resource } from '#kube/kube.ts';
import { csiDrivers, daemonSets, deployments, storageClasses, volumeSnapshotClasses } from '#kube/resources.ts';
import definitions from '../snapshot-crds.json' with { type: 'json' };
import {
  diskClasses,
  diskDriverObject,
  diskSnapshotClass,
  localClasses,
  localDriverObject,
  shareClasses,
  shareDriverObject,
} from './classes.ts';
import { controllerDeployment } from './controller-deployment.ts';
import { localDaemonSet } from './local-daemon-set.ts';
import { nodeDaemonSet } from './node-daemon-set.ts';
import { diskRights, localRights, shareRights } from './rights.ts';
import { shareDaemonSet } from './share-daemon-set.ts';
import { shareDeployment } from './share-deployment.ts';
import { snapshotController } from './snapshot-controller.ts';

/** Everything that makes cloud disks volumes of the cluster; nothing where cluster.yaml does not ask for them. */
export function diskObjects(facts: ClusterFacts): readonly SystemObject[] {
  if (!facts.cluster.storage.cloudDisks) return [];
  return [
    ...upstreamDefinitions.map((crd) => one(customResourceDefinitions as Resource<KubeObject>, crd)),
    one(csiDrivers, diskDriverObject),
    ...diskRights,
    one(daemonSets, nodeDaemonSet(facts)),
    one(deployments, controllerDeployment(facts)),
    one(deployments, snapshotController(facts)),
    // Last: whoever sees a class may use it at once.
    ...diskClasses.map((object) => one(storageClasses, object)),
    one(volumeSnapshotClasses, diskSnapshotClass),
  ];
}

/** Everything that makes disks and folders of physical machines volumes; nothing where cluster.yaml gives none. */
export function localObjects(facts: ClusterFacts): readonly SystemObject[] {
  if (facts.cluster.machines.every(({ storage }) => storage === undefined)) return [];
  return [
    one(csiDrivers, localDriverObject),
    ...localRights,
    one(daemonSets, localDaemonSet(facts)),
    ...localClasses.map((object) => one(storageClasses, object)),
  ];
}

/** Everything that makes file shares of the cloud volumes of the cluster; nothing where cluster.yaml does not ask for them. */
export function shareObjects(facts: ClusterFacts): readonly SystemObject[] {
  if (!facts.cluster.storage.fileShares) return [];
  return [
    one(csiDrivers, shareDriverObject),
    ...shareRights,
    one(daemonSets, shareDaemonSet(facts)),
    one(deployments, shareDeployment(facts)),
    ...shareClasses.map((object) => one(storageClasses, object)),
  ];
}

function one(resource: Resource<KubeObject>, object: KubeObject): SystemObject {
  return { resource, object };
}

/** `tool/snapshot-crds.ts` writes them from the snapshotter's module. */
const upstreamDefinitions = definitions as unknown as readonly CrdObject[];
