import { afterAll, beforeAll, expect, test } from 'vitest';
import { ms, seconds, sleep, waitFor } from '#unit/clock.ts';
import { addressIn, TestNode } from './node.ts';

let node: TestNode;
beforeAll(async () => {
  node = await TestNode.create();
  // Fourteen addresses: one that leaks is missed at the end.
  await node.setRange({ ground: 'site', subnet: '172.16.3.0/28' });
});
afterAll(() => node?.close());

const killings = 12;
const runtimes = 6;

test('an agent killed again and again under load gives no living address twice and loses none', async () => {
  await node.startAgent(100);
  const living = new Map<string, string>();
  const twice: string[] = [];
  const end = new AbortController();
  let added = 0;

  /** What containerd does with its pods, one after the other: ADD, a while, DEL until it succeeds; DEL after a failed ADD too. */
  const runtime = async (which: number): Promise<void> => {
    for (let i = 0; !end.signal.aborted; i++) {
      const name = `r${which}-${i}`;
      node.addNamespace(name);
      const add = await node.cni('ADD', name);
      if (add.code === 0) {
        const address = addressIn(add);
        if ([...living.values()].includes(address)) twice.push(`${name} ${address}`);
        living.set(name, address);
        added++;
        await sleep(ms(Math.random() * 40));
        // Before the DEL: from its answer on the address may belong to somebody else.
        living.delete(name);
      }
      await waitFor(`DEL of ${name}`, async () => (await node.cni('DEL', name)).code === 0, { within: seconds(10) });
      node.removeNamespace(name);
    }
  };

  const running = Array.from({ length: runtimes }, (_, i) => runtime(i));
  let killed = 0;
  for (; killed < killings || added < 60; killed++) {
    await sleep(ms(100 + Math.random() * 300));
    await node.endAgent('SIGKILL');
    await node.startAgent(100);
  }
  end.abort();
  await Promise.all(running);
  console.log(`${added} pods came and went while the agent was killed ${killed} times`);
  expect(twice).toEqual([]);

  // The last DELs may have been queued while nobody answered.
  await node.endAgent('SIGKILL');
  await node.startAgent(100);
  await waitFor('all links to go', async () => node.links().length === 0, { within: seconds(10) });
  const given = new Set<string>();
  for (let i = 0; i < 14; i++) {
    node.addNamespace(`last-${i}`);
    const add = async (): Promise<string> => addressIn(await node.cni('ADD', `last-${i}`));
    given.add(await waitFor(`address ${i + 1} of 14`, add, { within: seconds(5), every: ms(50) }));
  }
  expect(given.size).toBe(14);
  // On a busy computer each of the agent's lives takes seconds to begin.
}, 300_000);
