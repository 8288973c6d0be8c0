import * as z from 'zod';
import { place, text } from '../../gateway/declare.ts';

/** How calls name a balancer, and a listener of one. */
export const ofBalancer = { ...place, ULBId: text };
export const ofListener = { ...ofBalancer, VServerId: text };

/** As these older actions write yes and no. */
export const bit = z.enum(['0', '1'], 'write 0 or 1').transform((value) => value === '1');
export const yes = z.enum(['Yes', 'No'], 'write Yes or No').transform((value) => value === 'Yes');
