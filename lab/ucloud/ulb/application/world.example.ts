import type { WorldApplicationListener } from './world.ts';

/** A listener of port 80 that forwards everything to one target, for tests of what answers its requests. */
export const webAnswers: WorldApplicationListener = {
  id: 'als-web',
  port: 80,
  tls: undefined,
  targetProtocol: 'HTTP',
  idleTimeout: 60,
  scheduler: 'RoundRobin',
  cookie: undefined,
  compresses: false,
  redirectTo: undefined,
  rules: [
    {
      id: 'rule-default',
      host: undefined,
      path: undefined,
      headers: [],
      last: { type: 'Forward', targets: [{ id: 'ars-a', ip: '10.9.0.5', port: 8080, weight: 1 }] },
    },
  ],
};
