import { regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { groundLabel } from '#capability/ground.ts';
import type { KubeObject } from '#kube/kube.ts';
import { type Bytes, formatBytes } from '#unit/bytes.ts';
import type { Ip } from '#unit/ip.ts';
import { diskDriver, ownerKey } from '../driver.ts';
import { localDriver, nodeKey } from '../local/driver.ts';
import { formatHandle } from '../local/handle.ts';
import type { LeftVolume } from '../local/plan-left.ts';
import type { CloudOrphan } from '../orphans/plan-cloud-orphans.ts';
import { serverKey, shareDriver } from '../share/driver.ts';
import { formatShareHandle } from '../share/handle.ts';
import type { LeftFolder } from '../share/plan-left-folders.ts';

/** A PersistentVolume for what none names. It keeps what is there: nothing is removed while its reclaim policy says Retain. */
export type KeptVolume = KubeObject & { readonly spec: object };

interface CsiSource {
  readonly driver: string;
  readonly volumeHandle: string;
  readonly volumeAttributes?: Readonly<Record<string, string>>;
  readonly fsType?: string;
}

/** Where the cluster's machines of the cloud are, as far as a volume has to tell it. */
export interface CloudPlace {
  readonly region: string;
  /** The address of a share's mount point; `undefined` when no machine of the cluster reaches it. */
  readonly server: Ip | undefined;
}

/** @shape undefined for what nobody could mount */
export function planKeepOrphan(orphan: CloudOrphan, { region, server }: CloudPlace): KeptVolume | undefined {
  const { what, id, owner, size, zone } = orphan;
  const name = owner !== undefined && isName(owner) ? owner : id;
  if (what === 'disk') {
    const labels = { [groundLabel]: 'cloud', [regionKey]: region, ...(zone !== undefined && { [zoneKey]: zone }) };
    // Without a word that it was made blank: it is never formatted.
    return kept(name, {
      size,
      modes: ['ReadWriteOnce'],
      csi: {
        driver: diskDriver,
        volumeHandle: id,
        ...(owner !== undefined && { volumeAttributes: { [ownerKey]: owner } }),
      },
      labels,
    });
  }
  return server === undefined ? undefined : keptFiles(name, { size, handle: id, server });
}

/** @shape undefined for what nobody could mount */
export function planKeepFolder(left: LeftFolder, server: Ip | undefined): KeptVolume | undefined {
  const { folder, size } = left;
  const name = isName(folder) ? folder : left.share;
  return server === undefined ? undefined : keptFiles(name, { size, handle: formatShareHandle(left), server });
}

function isName(text: string): boolean {
  return /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(text);
}

function keptFiles(
  name: string,
  { size, handle, server }: { readonly size: Bytes; readonly handle: string; readonly server: Ip },
): KeptVolume {
  return kept(name, {
    size,
    modes: ['ReadWriteMany'],
    csi: { driver: shareDriver, volumeHandle: handle, volumeAttributes: { [serverKey]: server } },
    labels: { [groundLabel]: 'cloud' },
  });
}

/** As it was when its class had said Retain: released by its claim, which its name tells. */
export function planKeepLeft({ handle, size, as, claim }: LeftVolume): KeptVolume {
  const uid = /^pvc-(.+)$/.exec(handle.id)?.[1];
  const claimRef = claim &&
    uid !== undefined && { claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', ...claim, uid } };
  return kept(handle.id, {
    size,
    modes: ['ReadWriteOnce'],
    csi: {
      driver: localDriver,
      volumeHandle: formatHandle(handle),
      ...(as !== 'block' && { fsType: as }),
    },
    labels: { [nodeKey]: handle.node },
    more: { volumeMode: as === 'block' ? 'Block' : 'Filesystem', ...claimRef },
  });
}

function kept(
  name: string,
  {
    size,
    modes,
    csi,
    labels,
    more = {},
  }: {
    readonly size: Bytes;
    readonly modes: readonly string[];
    readonly csi: CsiSource;
    readonly labels: Readonly<Record<string, string>>;
    readonly more?: object;
  },
): KeptVolume {
  const matchExpressions = Object.entries(labels).map(([key, value]) => ({ key, operator: 'In', values: [value] }));
  return {
    // By it the provisioner removes the volume when somebody sets the reclaim policy to Delete.
    metadata: { name, annotations: { 'pv.kubernetes.io/provisioned-by': csi.driver } },
    spec: {
      capacity: { storage: formatBytes(size) },
      accessModes: modes,
      persistentVolumeReclaimPolicy: 'Retain',
      storageClassName: '',
      csi,
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions }] } },
      ...more,
    },
  };
}
