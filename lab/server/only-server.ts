import { createServer } from 'node:net';

/** Exit code of a server that found another one of its lab at work. */
export const anotherServes = 3;

/**
 * Whether this process is now the lab's one server, until it ends. Who starts a second one can't know of the first: a `lab up`
 * that was killed may have left it while it still starts. Call it in the network of the VPC router.
 * @shape false when another process is
 * @source unix(7): a name in the abstract namespace has one holder in a network namespace and goes with its process
 */
export function becomeOnlyServer(lab: string): Promise<boolean> {
  const holder = createServer();
  return new Promise((resolve, reject) => {
    holder.once('error', (e: NodeJS.ErrnoException) => {
      if (e.code === 'EADDRINUSE') resolve(false);
      else reject(e);
    });
    holder.listen({ path: `\0isthmus-lab-${lab}` }, () => resolve(true));
  });
}
