import { createInterface } from 'node:readline';

/**
 * The life of a process that a balancer has beside its packet filter: it reads what it should do from its input, a line of JSON at a
 * time, says `done` after each, and ends with it: whoever gave the orders is gone then, and gives the next ones to another process.
 */
export async function obeyOrders<Order>(obey: (order: Order) => Promise<void>): Promise<never> {
  for await (const line of createInterface({ input: process.stdin })) {
    await obey(JSON.parse(line) as Order);
    process.stdout.write('done\n');
  }
  process.exit(0);
}
