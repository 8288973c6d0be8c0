import { place, text } from '../../gateway/declare.ts';

/** How calls name a balancer, and a listener of one. */
export const ofBalancer = { ...place, NLBId: text };
export const ofListener = { ...ofBalancer, ListenerId: text };
