import type { Beginning, CloudObject, Product } from '../gateway/product.ts';
import type { UdiskWorks } from '../udisk/work.ts';
import type { VpcWorks } from '../vpc/work.ts';
import type { UhostCloud, UhostSeen } from './cloud.ts';
import { imageActions } from './image.ts';
import { uhostActions } from './instance.ts';
import { uhostLimits } from './limits.ts';
import { rememberUhost } from './remember.ts';
import { isListed, type UhostState } from './state.ts';
import { createUhostWorks } from './work.ts';
import type { UhostWorld } from './world.ts';

/** Virtual machines and their images. */
export const uhost = {
  newState: ({ images, createdAt }: Beginning): UhostState => ({
    machines: [],
    images: images.map((image) => {
      const born = { description: '', tag: 'Default', madeOf: undefined, at: 'Available', trouble: undefined } as const;
      return { ...image, ...born, base: image.id, createdAt };
    }),
  }),
  limits: uhostLimits,
  actions: { ...imageActions, ...uhostActions },
  work: createUhostWorks,
  objects,
  remember: rememberUhost,
} satisfies Product<UhostSeen, UhostWorld, VpcWorks & UdiskWorks, UhostCloud>;

function objects({ images, machines }: UhostState): readonly CloudObject[] {
  return [
    ...images.map(({ id, name, at, trouble, madeOf }) => ({
      kind: 'image',
      id,
      name,
      state: [at, trouble].filter(Boolean).join(': '),
      where: madeOf === undefined ? '' : `made of ${madeOf}`,
    })),
    ...machines.map((machine) => ({
      kind: 'machine',
      id: machine.id,
      name: machine.name,
      state: [isListed(machine) ? machine.life.state : 'ending', machine.trouble].filter(Boolean).join(': '),
      where: `${machine.ip} in ${machine.subnet}`,
      ...(isListed(machine) ? { labelType: 'uhost' } : {}),
    })),
  ];
}
