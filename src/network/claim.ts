import { createServer } from 'node:net';

/**
 * Makes this process the only agent of its node until it ends: two of them would write one journal. The claim is a name in
 * the node's network namespace, which the kernel frees with the process, however that ends.
 * @fails Error when another agent of this node is alive
 * @shape what gives the claim back
 */
export function claimNode(): Promise<() => void> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once('error', (e: NodeJS.ErrnoException) => {
      const taken = e.code === 'EADDRINUSE';
      reject(taken ? new Error('another Isthmus agent serves this node; this one waits for its end by restarting') : e);
    });
    server.listen('\0isthmus-agent', () => resolve(() => server.close()));
  });
}
