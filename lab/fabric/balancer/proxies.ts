import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { enterNetwork } from '../../machine/enter.ts';
import { markOf } from '../names.ts';

/** What processes of one kind are told. */
interface Ordered {
  readonly listeners: readonly unknown[];
}

/** The processes that balancers need beside their packet filters: one for each that has a listener of that kind. */
export interface Proxies<Order extends Ordered> {
  /** Resolves when the process does as ordered. Without a listener there is no process. @fails Error when it does not within 10 s */
  readonly order: (id: string, order: Order) => Promise<void>;
  readonly end: (id: string) => void;
}

interface Running<Order> {
  readonly child: ChildProcess;
  readonly done: AsyncIterator<string>;
  order: Order;
}

/** @shape program: the file of the process, beside this one */
export function openProxies<Order extends Ordered>(lab: string, program: string): Proxies<Order> {
  const running = new Map<string, Running<Order>>();

  function start(id: string, order: Order): Running<Order> {
    const place = markOf(lab, id);
    const [file = '', ...args] = enterNetwork(place, [process.execPath, join(import.meta.dirname, program)]);
    const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const done = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const mine = { child, done, order };
    running.set(id, mine);
    // An order that can't be written meets a process that has ended: its end is seen to below.
    child.stdin.on('error', () => undefined);
    child.once('error', () => running.delete(id));
    child.once('exit', () => {
      if (running.get(id) === mine) void startAgain(id, mine);
    });
    return mine;
  }

  /** Somebody ended it who was not asked to. */
  async function startAgain(id: string, { order }: Running<Order>): Promise<void> {
    running.delete(id);
    await sleep(pause);
    if (!running.has(id)) await send(start(id, order)).catch(() => undefined);
  }

  function end(id: string): void {
    const one = running.get(id);
    running.delete(id);
    one?.child.stdin?.end();
  }

  return {
    end,
    order: async (id, order) => {
      if (order.listeners.length === 0) return end(id);
      const one = running.get(id) ?? start(id, order);
      one.order = order;
      await send(one);
    },
  };
}

const pause = ms(500);

async function send({ child, done, order }: Running<unknown>): Promise<void> {
  child.stdin?.write(`${JSON.stringify(order)}\n`);
  const late = AbortSignal.timeout(seconds(10));
  const answer = await Promise.race([done.next(), once(late, 'abort')]);
  if (Array.isArray(answer) || answer.done === true) throw new Error('the proxy of a balancer does not do as ordered');
}
