import type { ApplicationListener } from '#cloud/application-balancer.ts';
import { seconds } from '#unit/clock.ts';

/** HTTP on port 80, as the cloud shows it, with nobody behind it. */
export function listenerExample(change: Partial<ApplicationListener> = {}): ApplicationListener {
  return {
    id: 'listener-1',
    mark: 'shop',
    owner: 'u-1',
    protocol: 'HTTP',
    port: 80,
    scheduler: 'round-robin',
    idleTimeout: seconds(60),
    sticky: { by: 'nothing' },
    check: { by: 'connection' },
    redirectTo: undefined,
    certificates: [],
    backEnds: [],
    rules: [],
    ...change,
  };
}
