import { type Action, action, integer, page, pageOf, place, text, texts } from './declare.ts';

/** @source UCloud API reference, uhost-api DescribeImage; ucloud-sdk-python3 0.11.150 services/uhost UHostImageSet */
export const imageActions: Readonly<Record<string, Action>> = {
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
        .map(({ id, name, sizeGib, createdAt }) => ({
          Zone: args.Zone ?? account.zone,
          ImageId: id,
          ImageName: name,
          ImageType: 'Custom',
          OsType: 'Linux',
          OsName: name,
          Features: ['CloudInit', 'NetEnhanced_Ultra', 'RssdAttachable'],
          FuncType: '',
          IntegratedSoftware: '',
          Vendor: '',
          Links: '',
          Tag: 'Default',
          State: 'Available',
          ImageDescription: '',
          ImageSize: sizeGib,
          MinimalCPU: '',
          CreateTime: createdAt,
        }))
        .filter((image) => args.ImageType === undefined || image.ImageType === args.ImageType)
        .filter((image) => args.OsType === undefined || image.OsType === args.OsType)
        .filter((image) => args.FuncType === undefined || image.FuncType === args.FuncType)
        .filter((image) => args.Tag === undefined || image.Tag === args.Tag);
      const { TotalCount, shown } = pageOf(images, args);
      return { TotalCount, ImageSet: shown };
    },
  ),
};
