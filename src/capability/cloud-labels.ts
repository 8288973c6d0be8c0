/** What users of a cloud's own Kubernetes select its machines by, for each provider. Their manifests work here unchanged. */
export const labelsOfProvider: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ucloud: { nodetype: 'uhost', 'node.uk8s.ucloud.cn/instance_type': 'uhost' },
};

/** Where a disk of the cloud can be used, as UK8S writes it on nodes and in `nodeAffinity` of PersistentVolumes. */
export const regionKey = 'topology.udisk.csi.ucloud.cn/region';
export const zoneKey = 'topology.udisk.csi.ucloud.cn/zone';
/** The same for classes that name no cloud. */
export const neutralZoneKey = 'topology.isthmus.dev/zone';

/** Labels that only nodes of the cloud have, by the node service of the drivers of its volumes. */
export const cloudTopologyKeys = [regionKey, zoneKey, neutralZoneKey] as const;

/** Labels that stand for a machine of the cloud. A machine of the site never carries one: pods with cloud disks would be sent to it. */
export const cloudOnlyLabels: readonly string[] = [
  ...new Set(Object.values(labelsOfProvider).flatMap((labels) => Object.keys(labels))),
  ...cloudTopologyKeys,
];
