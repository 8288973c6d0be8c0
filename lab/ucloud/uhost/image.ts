import { drawName } from '../engine/random.ts';
import { type Action, integer, page, pageOf, place, text, texts } from '../gateway/declare.ts';
import { notValid, Refusal } from '../gateway/refusal.ts';
import type { Placed } from '../vpc/state.ts';
import { action, type UhostCloud } from './cloud.ts';
import { machineOf } from './lookup.ts';
import type { ImageRecord, MachineRecord } from './state.ts';

/**
 * Images: those that the cloud has from the beginning, and those that were made of a machine's disk.
 * @source UCloud API reference, uhost-api DescribeImage; ucloud-sdk-python3 0.11.150 services/uhost UHostImageSet
 */
export const imageActions: Readonly<Record<string, Action<UhostCloud>>> = {
  DescribeImage: action(
    {
      ...place,
      ...page(20),
      ImageType: text.optional(),
      FuncType: text.optional(),
      OsType: text.optional(),
      ImageId: text.optional(),
      ImageIds: texts,
      Tag: text.optional(),
      PriceSet: integer.optional(),
    },
    (args, { account, state }) => {
      const ids = new Set([...args.ImageIds, ...(args.ImageId === undefined ? [] : [args.ImageId])]);
      const images = state.images
        .filter(({ id }) => ids.size === 0 || ids.has(id))
        .map((image) => imageForm(image, args.Zone ?? account.zone, state))
        .filter((image) => args.ImageType === undefined || image.ImageType === args.ImageType)
        .filter((image) => args.OsType === undefined || image.OsType === args.OsType)
        .filter((image) => args.FuncType === undefined || image.FuncType === args.FuncType)
        .filter((image) => args.Tag === undefined || image.Tag === args.Tag);
      const { TotalCount, shown } = pageOf(images, args);
      return { TotalCount, ImageSet: shown };
    },
  ),

  CreateCustomImage: action(
    {
      ...place,
      UHostId: text,
      ImageName: text,
      ImageDescription: text.default(''),
      Tag: text.default('Default'),
      DataUDiskIds: texts,
    },
    async (args, cloud) => {
      if (args.DataUDiskIds.length > 0) throw new Refusal(8039, `disk ${args.DataUDiskIds[0]} does not exist`);
      const machine = await stoppedMachine(args.UHostId, cloud);
      const record: ImageRecord = {
        id: `uimage-${drawName(cloud.state.chance, 12)}`,
        name: args.ImageName,
        description: args.ImageDescription,
        tag: args.Tag,
        sizeGib: machine.disks.find(({ boot }) => boot)?.sizeGib ?? 0,
        createdAt: Math.floor(cloud.now() / 1000),
        base: baseOf(machine.image, cloud.state),
        madeOf: machine.id,
        at: 'Making',
        trouble: undefined,
      };
      cloud.state.images.push(record);
      cloud.images.make(record);
      return { ImageId: record.id, DataSnapshotIds: [] };
    },
  ),

  TerminateCustomImage: action({ ...place, ImageId: text }, ({ ImageId }, { state, images }) => {
    const record = state.images.find(({ id }) => id === ImageId);
    if (record === undefined) throw new Refusal(8039, `image ${ImageId} does not exist`);
    if (record.madeOf === undefined) throw notValid('ImageId', `${ImageId} is no custom image`);
    if (record.at === 'Making') throw notValid('ImageId', `${ImageId} is still being made`);
    images.remove(record);
    return { ImageId };
  }),
};

/** A disk in use would be copied in the middle of what is written to it. @fails Refusal 8905 · 8039 */
async function stoppedMachine(id: string, { state, machines }: UhostCloud): Promise<MachineRecord> {
  const machine = machineOf(id, state);
  await machines.look([machine]);
  if (machine.life.state !== 'Stopped' || machine.life.job !== undefined)
    throw new Refusal(8905, `UHost ${id} is ${machine.life.state}; an image is made of a Stopped one`);
  return machine;
}

/** The image that the cloud had from the beginning, under all that was made of it. */
export function baseOf(image: string, state: Placed): string {
  return state.images.find(({ id }) => id === image)?.base ?? image;
}

function imageForm(image: ImageRecord, zone: string, state: Placed) {
  const os = state.images.find(({ id }) => id === image.base)?.name ?? image.name;
  return {
    Zone: zone,
    ImageId: image.id,
    ImageName: image.name,
    ImageType: image.madeOf === undefined ? 'Base' : 'Custom',
    OsType: 'Linux',
    OsName: os,
    Features: ['CloudInit', 'NetEnhanced_Ultra', 'RssdAttachable'],
    FuncType: '',
    IntegratedSoftware: '',
    Vendor: '',
    Links: '',
    Tag: image.tag,
    State: image.at,
    ImageDescription: image.description,
    ImageSize: image.sizeGib,
    MinimalCPU: '',
    CreateTime: image.createdAt,
  };
}
