import {
  PluginCapability_VolumeExpansion_Type as Expansion,
  PluginCapability_Service_Type as Part,
} from '#rpc/gen/csi_pb.js';
import type { Service } from '#rpc/rpc.ts';
import { identity } from '../identity.ts';
import { shareDriver } from './driver.ts';

/** Both halves of the driver of file shares say the same of it. */
export function shareIdentity(version: string): Service {
  return identity({
    name: shareDriver,
    version,
    services: [Part.CONTROLLER_SERVICE, Part.VOLUME_ACCESSIBILITY_CONSTRAINTS],
    expansion: Expansion.ONLINE,
  });
}
