import { createServer } from 'node:http';

/** Where the agent answers kubelet's probes. */
export const agentHealthPort = 9831;

export interface Health {
  /** What is so wrong that only a restart helps; `undefined` when nothing is. */
  readonly live: () => string | undefined;
  /** Why pods of this node have no network now; `undefined` when they have. */
  readonly ready: () => string | undefined;
}

/**
 * Answers kubelet's probes on loopback: an agent that hangs does not answer, and is started anew.
 * @shape what ends it
 * @fails the system's error when the port is taken
 */
export function serveHealth(port: number, health: Health): Promise<() => Promise<void>> {
  const server = createServer((request, response) => {
    const ask = { '/healthz': health.live, '/readyz': health.ready }[request.url ?? ''];
    const fault = ask?.();
    response.statusCode = ask === undefined ? 404 : fault === undefined ? 200 : 503;
    response.end(`${fault ?? (ask === undefined ? 'ask /healthz or /readyz' : 'ok')}\n`);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(() => new Promise((ended) => server.close(() => ended()))));
  });
}
