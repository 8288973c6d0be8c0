import {
  Controller,
  type CreateVolumeRequest,
  ControllerServiceCapability_RPC_Type as Rpc,
  type TopologyRequirement,
  type ValidateVolumeCapabilitiesRequest,
} from '#rpc/gen/csi_pb.js';
import { RpcError, type Service, service } from '#rpc/rpc.ts';
import type { Fail, Ok } from '#unit/result.ts';
import type { InFlight } from '../in-flight.ts';
import { nodeKey } from './driver.ts';
import { handleOf, parseHandle } from './handle.ts';
import { type LocalVolumes, recordIn } from './local-volumes.ts';
import { parseAsked, parseParameters, parseUsage, type Refusal } from './parse-asked.ts';
import { isSameUsage } from './usage.ts';
import { idOf } from './volume-id.ts';
import type { VolumeRecord } from './volume-record.ts';

/**
 * The controller's half of the driver, which runs on every machine and answers for that one alone: a volume is made where it will be, by the
 * provisioner beside it, and neither the cloud nor the line to it has a part in that.
 */
export function localController(volumes: LocalVolumes, flight: InFlight): Service {
  return service(Controller, {
    createVolume: (asked) => flight.alone(idOf(asked.name), 'making', () => create(volumes, asked)),
    deleteVolume: async ({ volumeId }) => {
      if (volumeId === '') throw new RpcError('INVALID_ARGUMENT', 'volume_id is missing');
      const handle = parseHandle(volumeId);
      // Not a form that this driver ever gave: there is no such volume.
      if (handle === undefined) return {};
      await flight.alone(handle.id, 'deleting', () => volumes.remove(handle));
      return {};
    },
    validateVolumeCapabilities: (asked) => validate(volumes, asked),
    getCapacity: async ({ parameters, volumeCapabilities, accessibleTopology }) => {
      const { from } = orRefuse(parseParameters(parameters));
      if (volumeCapabilities.length > 0) orRefuse(parseUsage(volumeCapabilities));
      const here = accessibleTopology?.segments[nodeKey] ?? volumes.node;
      if (here !== volumes.node) return { availableCapacity: 0n, maximumVolumeSize: 0n };
      const { all, largest } = await volumes.room(from);
      return { availableCapacity: BigInt(all), maximumVolumeSize: BigInt(largest) };
    },
    controllerGetCapabilities: () => ({
      capabilities: [Rpc.CREATE_DELETE_VOLUME, Rpc.GET_CAPACITY, Rpc.SINGLE_NODE_MULTI_WRITER].map((type) => ({
        type: { case: 'rpc' as const, value: { type } },
      })),
    }),
  });
}

async function create(volumes: LocalVolumes, asked: CreateVolumeRequest) {
  const wish = orRefuse(parseAsked(asked));
  checkPlace(asked.accessibilityRequirements, volumes.node);
  const record = await volumes.create(wish);
  return {
    volume: {
      volumeId: handleOf(record),
      capacityBytes: BigInt(record.size),
      accessibleTopology: [{ segments: { [nodeKey]: volumes.node } }],
    },
  };
}

/** Tells the provisioner to have the pod placed anew, should it ask the wrong machine. */
function checkPlace(required: TopologyRequirement | undefined, node: string): void {
  const asked = required?.requisite ?? [];
  if (asked.length === 0 || asked.some(({ segments }) => segments[nodeKey] === node)) return;
  const others = asked.map(({ segments }) => segments[nodeKey] ?? 'a node without local volumes').join(', ');
  throw new RpcError('RESOURCE_EXHAUSTED', `the volume is to be on ${others}, and this is ${node}`);
}

async function validate(volumes: LocalVolumes, asked: ValidateVolumeCapabilitiesRequest) {
  if (asked.volumeId === '') throw new RpcError('INVALID_ARGUMENT', 'volume_id is missing');
  if (asked.volumeCapabilities.length === 0) throw new RpcError('INVALID_ARGUMENT', 'volume_capabilities is missing');
  const record = await recordOf(volumes, asked.volumeId);
  const usage = parseUsage(asked.volumeCapabilities);
  if (!usage.ok) return { message: usage.failure.message };
  if (!isSameUsage(usage.value, record.usage)) return { message: 'the volume was made in another form' };
  const { volumeContext, volumeCapabilities, parameters } = asked;
  return { confirmed: { volumeContext, volumeCapabilities, parameters } };
}

async function recordOf(volumes: LocalVolumes, volumeId: string): Promise<VolumeRecord> {
  const handle = parseHandle(volumeId);
  const found = handle === undefined ? undefined : await volumes.find(handle);
  if (found === undefined) throw new RpcError('NOT_FOUND', `there is no volume ${volumeId} on ${volumes.node}`);
  return recordIn(found);
}

function orRefuse<T>(read: Ok<T> | Fail<Refusal>): T {
  if (read.ok) return read.value;
  throw new RpcError(read.failure.code, read.failure.message);
}
