import { expect, test } from 'vitest';
import { ms, seconds, sleep, uptime } from '#unit/clock.ts';
import { AddressWaits } from './address-waits.ts';
import { NoAddress } from './attachments.ts';

/** A node that has so many addresses to give. */
function node(free: number): { free: number; readonly give: () => Promise<string> } {
  return {
    free,
    async give() {
      if (this.free === 0) throw new NoAddress('all in use');
      this.free--;
      return 'an address';
    },
  };
}

const pod = (container: string) => ({ container, ifname: 'eth0' });

test('pods that wait have their addresses as soon as the node has some', async () => {
  const waits = new AddressWaits();
  const web = node(0);
  const asked = ['a', 'b', 'c'].map((name) => waits.attach(pod(name), () => web.give(), seconds(30)));
  web.free = 3;
  const began = uptime();
  waits.lookAgain();
  expect(await Promise.all(asked)).toHaveLength(3);
  expect(uptime() - began).toBeLessThan(500);
});

test('an address that comes while a pod is being refused is not missed', async () => {
  const waits = new AddressWaits();
  const web = node(0);
  const refused = async (): Promise<string> => {
    const answer = web.give();
    if (web.free === 0) {
      web.free = 1;
      waits.lookAgain();
    }
    return answer;
  };
  const began = uptime();
  expect(await waits.attach(pod('a'), refused, seconds(30))).toBe('an address');
  expect(uptime() - began).toBeLessThan(500);
});

test('an address that nobody announced is found all the same', async () => {
  const waits = new AddressWaits();
  const web = node(0);
  const asked = waits.attach(pod('a'), () => web.give(), seconds(30));
  web.free = 1;
  expect(await asked).toBe('an address');
});

test('a pod whose DEL comes waits no more, and takes no address later', async () => {
  const waits = new AddressWaits();
  const web = node(0);
  const asked = waits.attach(pod('a'), () => web.give(), seconds(30));
  const refused = expect(asked).rejects.toThrow(NoAddress);
  waits.end(pod('a'));
  await refused;
  web.free = 1;
  waits.lookAgain();
  await sleep(ms(20));
  expect(web.free).toBe(1);
});

test('patience has an end', async () => {
  await expect(new AddressWaits().attach(pod('a'), () => node(0).give(), ms(0))).rejects.toThrow('all in use');
});
