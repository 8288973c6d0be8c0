import { neutralZoneKey, regionKey, zoneKey } from '#capability/cloud-labels.ts';
import { classParameters } from '#storage/controller/parse-class.ts';
import { diskDriver, madeBlankKey } from '#storage/driver.ts';

/** Every parameter of a StorageClass of cloud disks, and what else the driver reads and writes. */
export function storageClassesPage(): string {
  const rows = Object.entries(classParameters).map(
    ([name, { values, fallback, meaning }]) =>
      `| \`${name}\` | ${values} | ${fallback === undefined ? '' : `\`${fallback}\``} | ${meaning} |`,
  );
  return `# StorageClasses of cloud disks

Made from the code by \`npm run docs\`. The driver is \`${diskDriver}\`, which is also the name of UK8S's own: classes that were made for that work
unchanged ([why](../decision/2026-11-29-one-name-for-cloud-disks.md)).

\`\`\`yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: { name: fast }
provisioner: ${diskDriver}
volumeBindingMode: WaitForFirstConsumer
allowVolumeExpansion: true
parameters: { type: ssd, fsType: xfs }
\`\`\`

## Parameters

A parameter that is not listed here, or has another value, is refused: the Event of the claim names all that is wrong at once, each with
what would work.

| parameter | values | default | meaning |
|---|---|---|---|
${rows.join('\n')}

A disk is made in the next step of sizes that the cloud sells, so a claim may get more than it asked for. A copy of a disk or of a snapshot has
the kind and the key of its source.

## Places

| key | where | meaning |
|---|---|---|
| \`${regionKey}\`, \`${zoneKey}\` | labels of cloud nodes, \`nodeAffinity\` of PersistentVolumes, \`allowedTopologies\` of classes | where a disk can be used |
| \`${neutralZoneKey}\` | labels of cloud nodes, \`allowedTopologies\` of classes | the zone, on any cloud |

## Attributes of volumes

| \`spec.csi.volumeAttributes\` | meaning |
|---|---|
| \`${madeBlankKey}\` | The size in bytes that the disk was made with, of nothing. Only such a volume is ever formatted ([when](../decision/2026-11-29-never-format-on-doubt.md)). Write it for a disk that you made yourself, if it is to be formatted. |
`;
}
