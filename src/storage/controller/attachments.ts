import type { CloudDisk } from '#cloud/disk.ts';
import type { CloudResult } from '#cloud/failure.ts';
import type { ControllerPublishVolumeRequest, ControllerUnpublishVolumeRequest } from '#rpc/gen/csi_pb.js';
import { type Call, RpcError } from '#rpc/rpc.ts';
import { ownerKey, serialKey } from '../driver.ts';
import { type End, endOf, need, useOf, valueOf } from './asked.ts';
import type { DiskControllerOptions } from './options.ts';
import { refusal } from './refusal.ts';

/** Attaches a volume to one machine, and waits until it is there. */
export async function publishVolume(options: DiskControllerOptions, asked: ControllerPublishVolumeRequest, call: Call) {
  const { cloud, watch, intents } = options;
  const { volumeId: id, nodeId: machine } = asked;
  need(machine, 'node_id');
  useOf(`attaching ${id}`, asked.volumeCapability);
  if (asked.readonly)
    throw new RpcError(
      'INVALID_ARGUMENT',
      `attaching ${id}: read-only is a matter of mounts and not of attachments here`,
    );
  const doing = `attaching ${id} to ${machine}`;
  const end = endOf(call);
  const owner = asked.volumeContext[ownerKey];
  // First: from now on it may hold data.
  if (owner !== undefined) await intents.settle(owner);
  for (;;) {
    const attached = await attach(cloud, id, machine, end);
    if (attached.ok) break;
    if (attached.failure.kind !== 'state') throw refusal(doing, attached.failure, 'attaching');
    // On its way from another machine, or being made.
    valueOf(doing, await watch.until(`${id} to be free`, id, isSettled, end()), 'attaching');
  }
  const isThere = (disk: CloudDisk): boolean => disk.state === 'attached' && disk.machine === machine;
  const disk = valueOf(doing, await watch.until(`${id} to be attached to ${machine}`, id, isThere, end()), 'changed');
  return { publishContext: { [serialKey]: disk.serial } };
}

/** Outside its own part of the zone a disk is slower: only where nothing else goes. */
async function attach(
  { disks }: DiskControllerOptions['cloud'],
  id: string,
  machine: string,
  end: End,
): Promise<CloudResult<void>> {
  const attached = await disks.attach(id, machine, { ...end(), across: false });
  return attached.ok || attached.failure.kind !== 'outOfReach'
    ? attached
    : disks.attach(id, machine, { ...end(), across: true });
}

function isSettled({ state }: CloudDisk): boolean {
  return state === 'free' || state === 'attached' || state === 'failed';
}

/** Takes a volume from a machine, and waits until it is away. */
export async function unpublishVolume(
  options: DiskControllerOptions,
  asked: ControllerUnpublishVolumeRequest,
  call: Call,
) {
  const { cloud, watch } = options;
  const { volumeId: id } = asked;
  const doing = `detaching ${id}`;
  const end = endOf(call);
  const machine = asked.nodeId === '' ? await machineOf(options, id, end) : asked.nodeId;
  if (machine === undefined) return {};
  for (;;) {
    const detached = await cloud.disks.detach(id, machine, end());
    if (detached.ok) break;
    if (detached.failure.kind !== 'state') throw refusal(`${doing} from ${machine}`, detached.failure, 'changing');
    const settledNow = await watch.until(`${id} to settle`, id, isSettled, end());
    if (!settledNow.ok && settledNow.failure.kind === 'gone') return {};
    valueOf(doing, settledNow, 'changing');
  }
  const isAway = (disk: CloudDisk): boolean => disk.machine !== machine || disk.state === 'free';
  const away = await watch.until(`${id} to be detached from ${machine}`, id, isAway, end());
  if (!away.ok && away.failure.kind !== 'gone') throw refusal(doing, away.failure, 'changed');
  return {};
}

async function machineOf({ cloud }: DiskControllerOptions, id: string, end: End): Promise<string | undefined> {
  const found = await cloud.disks.find(id, end());
  if (!found.ok && found.failure.kind === 'gone') return undefined;
  return valueOf(`detaching ${id}`, found, 'looking').machine;
}
