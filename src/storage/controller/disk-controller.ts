import {
  Controller,
  ControllerServiceCapability_RPC_Type as Rpc,
  type ValidateVolumeCapabilitiesRequest,
} from '#rpc/gen/csi_pb.js';
import { type Call, RpcError, type Service, service } from '#rpc/rpc.ts';
import { seconds } from '#unit/clock.ts';
import { inFlight } from '../in-flight.ts';
import { parseUse } from '../parse-capability.ts';
import { endOf, need, valueOf } from './asked.ts';
import { publishVolume, unpublishVolume } from './attachments.ts';
import { createVolume } from './create-volume.ts';
import { expandVolume } from './expand-volume.ts';
import type { DiskControllerOptions } from './options.ts';
import { removeOwned } from './remove-owned.ts';
import { createSnapshot, listSnapshots } from './snapshots.ts';

/** The least pause between two lists of all disks: many calls that wait are told by one. */
export const lookPause = seconds(1);

/**
 * The controller's half of the driver of cloud disks. It keeps nothing in memory that matters: a call that was cut off at any point is finished by
 * the next one that asks the same.
 */
export function diskController(options: DiskControllerOptions): Service {
  const { alone } = inFlight();
  const { cloud, mark } = options;
  return service(Controller, {
    createVolume: (asked, call) => alone(need(asked.name, 'name'), 'making', () => createVolume(options, asked, call)),
    deleteVolume: (asked, call) =>
      alone(need(asked.volumeId, 'volume_id'), 'deleting', async () => {
        await removeOwned(`deleting volume ${asked.volumeId}`, cloud.disks, asked.volumeId, mark, call);
        return {};
      }),
    controllerPublishVolume: (asked, call) =>
      alone(need(asked.volumeId, 'volume_id'), 'attaching', () => publishVolume(options, asked, call)),
    controllerUnpublishVolume: (asked, call) =>
      alone(need(asked.volumeId, 'volume_id'), 'detaching', () => unpublishVolume(options, asked, call)),
    controllerExpandVolume: (asked, call) =>
      alone(need(asked.volumeId, 'volume_id'), 'expanding', () => expandVolume(options, asked, call)),
    validateVolumeCapabilities: (asked, call) => validate(options, asked, call),
    createSnapshot: (asked, call) =>
      alone(need(asked.name, 'name'), 'taking snapshot', () => createSnapshot(options, asked, call)),
    deleteSnapshot: (asked, call) =>
      alone(need(asked.snapshotId, 'snapshot_id'), 'deleting snapshot', async () => {
        await removeOwned(`deleting snapshot ${asked.snapshotId}`, cloud.snapshots, asked.snapshotId, mark, call);
        return {};
      }),
    listSnapshots: (asked, call) => listSnapshots(options, asked, call),
    controllerGetCapabilities: () => ({
      capabilities: [
        Rpc.CREATE_DELETE_VOLUME,
        Rpc.PUBLISH_UNPUBLISH_VOLUME,
        Rpc.CREATE_DELETE_SNAPSHOT,
        Rpc.LIST_SNAPSHOTS,
        Rpc.CLONE_VOLUME,
        Rpc.EXPAND_VOLUME,
        Rpc.SINGLE_NODE_MULTI_WRITER,
      ].map((type) => ({ type: { case: 'rpc' as const, value: { type } } })),
    }),
  });
}

async function validate({ cloud }: DiskControllerOptions, asked: ValidateVolumeCapabilitiesRequest, call: Call) {
  const { volumeCapabilities, parameters, volumeContext, volumeId } = asked;
  need(volumeId, 'volume_id');
  if (volumeCapabilities.length === 0) throw new RpcError('INVALID_ARGUMENT', 'volume_capabilities are missing');
  valueOf(`looking for volume ${volumeId}`, await cloud.disks.find(volumeId, endOf(call)()), 'looking');
  const faults = volumeCapabilities.flatMap((capability) => {
    const parsed = parseUse(capability);
    return parsed.ok ? [] : [parsed.fault];
  });
  if (faults.length > 0) return { message: faults.join('; ') };
  return { confirmed: { volumeCapabilities, parameters, volumeContext } };
}
