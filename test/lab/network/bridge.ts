import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/** Carries TCP of one network namespace to another one over a socket file: loopback is not the same in both. */
export function startBridge(
  listen: { readonly port: number } | { readonly path: string },
  to: { readonly port: number } | { readonly path: string },
): Promise<Server> {
  const server = createServer((near) => {
    const far = 'path' in to ? dial(to.path) : dial(to.port, '127.0.0.1');
    joined(near, far);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    const ready = (): void => resolve(server);
    if ('path' in listen) server.listen(listen.path, ready);
    else server.listen(listen.port, '127.0.0.1', ready);
  });
}

function joined(near: Socket, far: Socket): void {
  near.on('error', () => far.destroy());
  far.on('error', () => near.destroy());
  near.pipe(far).pipe(near);
}

/** As a process inside the namespace: `bridge.ts PORT PATH`. */
if (process.argv[1] === import.meta.filename)
  await startBridge({ port: Number(process.argv[2]) }, { path: process.argv[3] as string });
