import {
  Identity,
  type PluginCapability_Service_Type,
  type PluginCapability_VolumeExpansion_Type,
} from '#rpc/gen/csi_pb.js';
import { type Service, service } from '#rpc/rpc.ts';

/** Who a driver is to the sidecars and to kubelet. */
export interface About {
  readonly name: string;
  readonly version: string;
  readonly services: readonly PluginCapability_Service_Type[];
  readonly expansion: PluginCapability_VolumeExpansion_Type;
}

export function identity({ name, version, services, expansion }: About): Service {
  return service(Identity, {
    getPluginInfo: () => ({ name, vendorVersion: version }),
    getPluginCapabilities: () => ({
      capabilities: [
        ...services.map((type) => ({ type: { case: 'service' as const, value: { type } } })),
        { type: { case: 'volumeExpansion' as const, value: { type: expansion } } },
      ],
    }),
    probe: () => ({ ready: true }),
  });
}
