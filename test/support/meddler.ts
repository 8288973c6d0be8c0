import { once } from 'node:events';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import type { Certified } from './certificates.ts';

/** A middleman that ends TLS and may change what a watch tells. */
export interface Meddler {
  readonly port: number;
  /** What becomes of each line of a watch from now on; unchanged until told. */
  lines(change: (line: string) => string): void;
  close(): Promise<void>;
}

export interface MeddlerOptions {
  /** Port of the API server on 127.0.0.1. */
  readonly to: number;
  readonly ca: string;
  /** For 127.0.0.1, signed by `ca`. */
  readonly certificate: Certified;
}

/** Who asks is known by a bearer token: a client certificate does not pass a middleman. */
export async function startMeddler({ to, ca, certificate }: MeddlerOptions): Promise<Meddler> {
  let change = (line: string): string => line;
  const server = createServer({ cert: certificate.certificate, key: certificate.key }, (near, answer) => {
    const { method, url, headers } = near;
    const far = request({ host: '127.0.0.1', port: to, ca, method, path: url, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      if (!url?.includes('watch=1')) {
        response.pipe(answer);
        return;
      }
      answer.flushHeaders();
      // Broken off by either side: both ends are then to see it.
      createInterface({ input: response })
        .on('error', () => answer.destroy())
        .on('line', (line) => answer.write(`${change(line)}\n`))
        .on('close', () => answer.end());
    });
    far.on('error', () => answer.destroy());
    answer.on('close', () => far.destroy());
    near.pipe(far);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    lines(next) {
      change = next;
    },
    async close() {
      server.closeAllConnections();
      await once(server.close(), 'close');
    },
  };
}
