import type { CloudObject, Product } from '../gateway/product.ts';
import type { UfsCloud, UfsSeen } from './cloud.ts';
import { ufsLimits } from './limits.ts';
import { mountPointActions } from './mount-point.ts';
import { rememberUfs } from './remember.ts';
import { shareActions } from './share.ts';
import type { UfsState } from './state.ts';
import { createUfsWorks } from './work.ts';
import type { UfsWorld } from './world.ts';

/** File systems that machines share. */
export const ufs = {
  newState: (): UfsState => ({ shares: [] }),
  limits: ufsLimits,
  actions: { ...shareActions, ...mountPointActions },
  work: createUfsWorks,
  objects: ({ shares }: UfsState): readonly CloudObject[] =>
    shares.map(({ id, name, at, sizeGib, trouble, mountPoints }) => ({
      kind: 'share',
      id,
      name,
      state: [`${at}, ${sizeGib} GB`, trouble].filter(Boolean).join(': '),
      where: mountPoints.map(({ ip, subnet }) => `${ip} in ${subnet}`).join(', '),
      labelType: 'ufs',
    })),
  remember: rememberUfs,
} satisfies Product<UfsSeen, UfsWorld, unknown, UfsCloud>;
