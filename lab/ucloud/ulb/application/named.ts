import { place, text } from '../../gateway/declare.ts';

/** How calls name a balancer, and a listener of one. */
export const ofBalancer = { ...place, LoadBalancerId: text };
export const ofListener = { ...ofBalancer, ListenerId: text };
