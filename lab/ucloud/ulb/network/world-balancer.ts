import type { UnetState } from '../../unet/state.ts';
import type { Placed } from '../../vpc/state.ts';
import { worldPlace } from '../place-in-world.ts';
import type { BalancerRecord, ListenerRecord } from './state.ts';
import type { WorldBalancer, WorldListener } from './world.ts';

/** What a balancer of the world has to do, so that packets go as the records say. */
export function worldBalancer(balancer: BalancerRecord, state: Placed & UnetState): WorldBalancer {
  const { backIp, listeners } = balancer;
  return { ...worldPlace(balancer, state), backIp, listeners: listeners.map(worldListener) };
}

function worldListener(listener: ListenerRecord): WorldListener {
  const { id, protocol, startPort, endPort, scheduler, stickiness, forwardSource, targets } = listener;
  return {
    id,
    protocol,
    startPort,
    endPort,
    scheduler,
    stickiness,
    forwardSource,
    targets: targets
      .filter(({ enabled, health }) => enabled && health.isHealthy)
      .map(({ ip, port, weight }) => ({ ip, port, weight })),
  };
}
