import { connect, createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { WorldListener } from '../../ucloud/ulb/world.ts';
import type { WorldTarget } from '../../ucloud/ulb/world-place.ts';
import { createChooser, formatProxyLine } from './choose-target.ts';

/**
 * A process in a balancer's namespace for what a packet filter can't do: a line before the client's bytes (PROXY protocol), and
 * targets by the number of their connections. Reads what it should do from its input, a line of JSON at a time, and ends with it.
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

for await (const line of createInterface({ input: process.stdin })) {
  await obey(JSON.parse(line) as ProxyOrder);
  process.stdout.write('done\n');
}
// Whoever gave the orders is gone, and gives the next ones to another process.
process.exit(0);

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
