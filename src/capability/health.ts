import { createServer, type ServerResponse } from 'node:http';
import { collectDefaultMetrics } from 'prom-client';
import { metrics } from '#unit/metrics.ts';

/** What kubelet asks, and what it is told. Both answer at once, from what is known. */
export interface Health {
  /** What is so wrong that only a restart helps; `undefined` when nothing is. */
  readonly live: () => string | undefined;
  /** Why this process does not do its work now; `undefined` when it does. */
  readonly ready: () => string | undefined;
}

/**
 * Answers `/healthz`, `/readyz` and `/metrics` on loopback only, because they are asked without TLS and without credentials.
 * A process that hangs does not answer, and that is all that tells it from one on a busy or paused machine: whoever answers
 * again is well. Restarting every agent of a cluster that is short of CPU would make it shorter still.
 * @shape the port it listens on, and what ends it
 * @fails the system's error when the port is taken
 */
export function serveHealth(
  health: Health,
  { port }: { readonly port: number },
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    const { url } = request;
    if (url === '/metrics') void answerMetrics(response);
    else if (url === '/readyz') answer(response, health.ready());
    else if (url === '/healthz') answer(response, health.live());
    else response.writeHead(404).end('ask /healthz, /readyz or /metrics\n');
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      if (metrics.getSingleMetric('process_start_time_seconds') === undefined)
        collectDefaultMetrics({ register: metrics });
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () =>
          new Promise((ended) => {
            server.close(() => ended());
            server.closeAllConnections();
          }),
      });
    });
  });
}

function answer(response: ServerResponse, fault: string | undefined): void {
  response.writeHead(fault === undefined ? 200 : 503, { 'content-type': 'text/plain' }).end(`${fault ?? 'ok'}\n`);
}

async function answerMetrics(response: ServerResponse): Promise<void> {
  const text = await metrics.metrics().catch((e: unknown) => e as Error);
  if (text instanceof Error) response.writeHead(500).end(`${text.message}\n`);
  else response.writeHead(200, { 'content-type': metrics.contentType }).end(text);
}
