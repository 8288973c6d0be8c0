import { cloudTopologyKeys } from '../grounds.ts';

/** What users of a cloud's own Kubernetes select its machines by, for each provider. Their manifests work here unchanged. */
export const labelsOfProvider: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  ucloud: { nodetype: 'uhost', 'node.uk8s.ucloud.cn/instance_type': 'uhost' },
};

/** Labels that stand for a machine of the cloud. A machine of the site never carries one: pods with cloud disks would be sent to it. */
export const cloudOnlyLabels: readonly string[] = [
  ...new Set(Object.values(labelsOfProvider).flatMap((labels) => Object.keys(labels))),
  ...cloudTopologyKeys,
];
