import { neutralZoneKey, regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { classParameters } from '#storage/controller/parse-class.ts';
import { diskClasses, localClasses, shareClasses } from '#storage/csi/classes.ts';
import { diskDriver, madeBlankKey } from '#storage/driver.ts';
import { localDriver } from '#storage/local/driver.ts';
import { localClassParameters } from '#storage/local/parse-asked.ts';
import { serverKey, shareDriver } from '#storage/share/driver.ts';
import { usualOptions } from '#storage/share/mount-options.ts';
import { shareClassParameters } from '#storage/share/parse-share-class.ts';

/** Every parameter of a StorageClass of each driver, and what else the drivers read and write. */
export function storageClassesPage(): string {
  return `# StorageClasses

Made from the code by \`npm run docs\`. [The guide](../guide/storage.md) says which storage is good for what.

| driver | volumes | classes that \`isthmus up\` makes |
|---|---|---|
| \`${diskDriver}\` | [disks of the cloud](#cloud-disks) | ${namesOf(diskClasses)} |
| \`${shareDriver}\` | [file shares of the cloud](#file-shares) | ${namesOf(shareClasses)} |
| \`${localDriver}\` | [of physical machines](#local-volumes) | ${namesOf(localClasses)} |

A parameter that is not listed here, or has another value, is refused: the Event of the claim names what is wrong, each with what would work.

## Cloud disks

The driver \`${diskDriver}\` has the name of UK8S's own: classes that were made for that work unchanged
([why](../decision/2026-11-29-one-name-for-cloud-disks.md)).

\`\`\`yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: fast }
provisioner: ${diskDriver}
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
parameters: { type: ssd, fsType: xfs }
\`\`\`

${tableOf(classParameters)}

A disk is made in the next step of sizes that the cloud sells, so a claim may get more than it asked for. A copy of a disk or of a snapshot has
the kind and the key of its source.

| key | where | meaning |
|---|---|---|
| \`${regionKey}\`, \`${zoneKey}\` | labels of cloud nodes, \`nodeAffinity\` of PersistentVolumes, \`allowedTopologies\` of classes | where a disk can be used |
| \`${neutralZoneKey}\` | labels of cloud nodes, \`allowedTopologies\` of classes | the zone, on any cloud |
| \`${madeBlankKey}\` | \`spec.csi.volumeAttributes\` of PersistentVolumes | The size in bytes that the disk was made with, of nothing. Only such a volume is ever formatted ([when](../decision/2026-11-29-never-format-on-doubt.md)). Write it for a disk that you made yourself, if it is to be formatted. |

## File shares

\`\`\`yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: team-files }
provisioner: ${shareDriver}
allowVolumeExpansion: true
parameters: { share: ufs-1a2b3c, onDelete: archive }
mountOptions: [noatime]
\`\`\`

Parameters of classes whose volumes are directories of a file share that is there:

${tableOf(only(shareClassParameters, 'directory'))}

Parameters of classes whose volumes are file shares of their own:

${tableOf(only(shareClassParameters, 'share'))}

\`mountOptions\` are added to \`${usualOptions.join(',')}\`, and replace those that they contradict.

| key | where | meaning |
|---|---|---|
| \`${serverKey}\` | \`spec.csi.volumeAttributes\` of PersistentVolumes | The address of the share's mount point. |

A volume's handle is the id of the file share, \`ufs-1a2b3c\`, or a directory of it, \`ufs-1a2b3c/photos\`.

## Local volumes

\`\`\`yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: local-xfs }
provisioner: ${localDriver}
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
parameters: { from: directories, csi.storage.k8s.io/fstype: xfs }
\`\`\`

${tableOf(localClassParameters)}

\`csi.storage.k8s.io/fstype\` is \`ext4\` or \`xfs\`; left out: \`ext4\`. Sizes are whole MiB; a volume \`from: disks\` has the size of its disk, and does not grow.
A volume's handle is machine, folder and name: \`base-1/3f2a9c01d7/pvc-0f2c…\`, or \`base-1/disk/pvc-0f2c…\` for a whole disk.
`;
}

interface Row {
  readonly values: string;
  readonly fallback?: string;
  readonly meaning: string;
}

function tableOf(parameters: Readonly<Record<string, Row>>): string {
  const rows = Object.entries(parameters).map(
    ([name, { values, fallback, meaning }]) =>
      `| \`${name}\` | ${values} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${meaning} |`,
  );
  return ['| parameter | values | default | meaning |', '|---|---|---|---|', ...rows].join('\n');
}

function only<T extends { readonly of: string }>(
  parameters: Readonly<Record<string, T>>,
  of: string,
): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(parameters).filter(([, parameter]) => parameter.of === of));
}

function namesOf(classes: readonly { readonly metadata: { readonly name: string } }[]): string {
  return classes.map(({ metadata }) => `\`${metadata.name}\``).join(', ');
}
