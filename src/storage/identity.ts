import {
  PluginCapability_VolumeExpansion_Type as Expansion,
  Identity,
  PluginCapability_Service_Type as Part,
} from '#rpc/gen/csi_pb.js';
import { type Service, service } from '#rpc/rpc.ts';

/** Who a driver of ours is to the sidecars and to kubelet. Every half of every driver says the same of what it can. */
export function identity(name: string, version: string): Service {
  return service(Identity, {
    getPluginInfo: () => ({ name, vendorVersion: version }),
    getPluginCapabilities: () => ({
      capabilities: [
        ...[Part.CONTROLLER_SERVICE, Part.VOLUME_ACCESSIBILITY_CONSTRAINTS].map((type) => ({
          type: { case: 'service' as const, value: { type } },
        })),
        { type: { case: 'volumeExpansion' as const, value: { type: Expansion.ONLINE } } },
      ],
    }),
    probe: () => ({ ready: true }),
  });
}
