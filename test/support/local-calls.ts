import type { MessageInitShape } from '@bufbuild/protobuf';
import { VolumeCapability_AccessMode_Mode as Mode, type VolumeCapabilitySchema } from '#rpc/gen/csi_pb.js';

type Capability = MessageInitShape<typeof VolumeCapabilitySchema>;

/** What a pod asks for that wants a file system. */
export function onFile(fsType: string): Capability {
  return {
    accessMode: { mode: Mode.SINGLE_NODE_WRITER },
    accessType: { case: 'mount', value: { fsType } },
  };
}

export const asBlock: Capability = {
  accessMode: { mode: Mode.SINGLE_NODE_WRITER },
  accessType: { case: 'block', value: {} },
};

/** As the provisioner names volumes. */
export function nameOf(n: number): string {
  return `pvc-00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
}
