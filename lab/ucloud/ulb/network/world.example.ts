import type { WorldListener } from './world.ts';

/** A listener of port 80 for TCP, for tests of what forwards its packets. */
export const webListener: WorldListener = {
  id: 'listener-web',
  protocol: 'TCP',
  startPort: 80,
  endPort: 80,
  scheduler: 'RoundRobin',
  stickiness: 0,
  forwardSource: 'None',
  targets: [],
};
