import { connect, createServer, type Server, type Socket } from 'node:net';
import type { WorldListener } from '../../ucloud/ulb/network/world.ts';
import type { WorldTarget } from '../../ucloud/ulb/world-place.ts';
import { createChooser, formatProxyLine } from './choose-target.ts';
import { obeyOrders } from './orders.ts';

/**
 * What a process in a network load balancer's namespace does, because a packet filter can't: a line before the client's bytes (PROXY
 * protocol), and targets by the number of their connections.
 */
export interface ProxyOrder {
  /** The address that targets see. */
  readonly backIp: string;
  readonly listeners: readonly WorldListener[];
}

interface Open {
  readonly server: Server;
  order: ProxyOrder;
  listener: WorldListener;
}

const open = new Map<string, Open>();

await obeyOrders(obey);

async function obey(order: ProxyOrder): Promise<void> {
  const wanted = new Map(order.listeners.map((listener) => [listener.id, listener]));
  for (const [id, one] of open) {
    const listener = wanted.get(id);
    if (listener?.startPort === one.listener.startPort) {
      Object.assign(one, { order, listener });
      continue;
    }
    one.server.close();
    open.delete(id);
  }
  for (const listener of order.listeners) if (!open.has(listener.id)) await listen(listener, order);
}

function listen(listener: WorldListener, order: ProxyOrder): Promise<void> {
  const choose = createChooser(Date.now);
  const one: Open = { server: createServer({ allowHalfOpen: true }, accept), order, listener };
  open.set(listener.id, one);

  function accept(client: Socket): void {
    const { remoteAddress = '' } = client;
    const chosen = choose.take(remoteAddress, one.listener);
    if (chosen === undefined) return void client.resetAndDestroy();
    client.once('close', () => choose.giveBack(chosen));
    join(client, chosen, one);
  }

  return new Promise((resolve, reject) => {
    one.server.once('error', reject);
    one.server.listen(listener.startPort, '0.0.0.0', resolve);
  });
}

/** What one end closes or resets is closed or reset at the other. */
function join(client: Socket, { ip, port }: WorldTarget, { order, listener }: Open): void {
  const target = connect({ host: ip, port, localAddress: order.backIp, allowHalfOpen: true });
  if (listener.forwardSource === 'ProxyProto') target.write(formatProxyLine(client));
  client.pipe(target);
  target.pipe(client);
  client.once('error', () => target.resetAndDestroy());
  target.once('error', () => client.resetAndDestroy());
}
