import type { WorldApplicationBalancer, WorldApplicationListener } from '../../ucloud/ulb/application/world.ts';
import { type AnsweringPlace, createAnswering } from './answer-request.ts';
import { type HttpListener, openHttpListener } from './http-listener.ts';
import { obeyOrders } from './orders.ts';

/** What a process in an application load balancer's namespace does: it answers requests as the balancer's rules say. */
interface Open {
  readonly server: HttpListener;
  readonly become: (place: AnsweringPlace) => void;
}

const open = new Map<string, Open>();

await obeyOrders(obey);

async function obey(balancer: WorldApplicationBalancer): Promise<void> {
  const wanted = new Set(balancer.listeners.map(({ id }) => id));
  for (const [id, { server }] of open) {
    if (wanted.has(id)) continue;
    server.close();
    open.delete(id);
  }
  for (const listener of balancer.listeners) {
    const there = open.get(listener.id);
    there?.become({ balancer, listener });
    there?.server.change(listener);
    if (there === undefined) await listen(listener, balancer);
  }
}

async function listen(listener: WorldApplicationListener, balancer: WorldApplicationBalancer): Promise<void> {
  let place: AnsweringPlace = { balancer, listener };
  const server = await openHttpListener(
    listener,
    createAnswering(() => place),
  );
  open.set(listener.id, {
    server,
    become(next) {
      place = next;
    },
  });
}
