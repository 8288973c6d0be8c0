import { neutralZoneKey, zoneKey } from '#capability/cloud-labels.ts';
import { diskDriver } from './driver.ts';
import { shareDriver } from './share/driver.ts';

/** The driver of disks of machines of the site. */
const localDriver = 'local.isthmus.dev';

/** On which side of the line the volumes of a driver can be used. */
export const groundOfDriver: Readonly<Record<string, 'cloud' | 'site'>> = {
  [diskDriver]: 'cloud',
  [shareDriver]: 'cloud',
  [localDriver]: 'site',
};

/** The driver of UK8S from before CSI. */
export const flexDriver = 'ucloud/udisk';

export const hostnameKey = 'kubernetes.io/hostname';
/** Labels that name one machine: the general one, and that of the driver of its disks. */
export const machineKeys = [hostnameKey, `topology.${localDriver}/node`] as const;

export const generalZoneKey = 'topology.kubernetes.io/zone';

/** Labels that name a zone of the cloud. The site has the general one too. */
export const zoneKeys = [generalZoneKey, zoneKey, neutralZoneKey] as const;
