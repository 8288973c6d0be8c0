export const csiControllerName = 'isthmus-csi-controller';
export const csiNodeName = 'isthmus-csi-node';
export const csiLocalName = 'isthmus-csi-local';
export const csiShareControllerName = 'isthmus-csi-share-controller';
export const csiShareNodeName = 'isthmus-csi-share-node';
export const snapshotControllerName = 'isthmus-snapshot-controller';

/** The socket of csi-controller, which its sidecars share with it. */
export const controllerSocket = '/csi/csi.sock';

/** Where kubelet keeps what is its own. kubeadm's way, and ours. */
export const kubeletFolder = '/var/lib/kubelet';

/** The folder of a driver's node service, as kubelet and the driver see it. */
export function pluginFolder(driver: string): string {
  return `${kubeletFolder}/plugins/${driver}`;
}
