import { expect, test } from 'vitest';
import { type Ms, ms, seconds } from '#unit/clock.ts';
import type { Result } from '#unit/result.ts';
import type { Cloud } from '../cloud.ts';
import type { CloudFailure } from '../failure.ts';
import { type ContractWorld, kindOf, type Open } from './world.ts';

/** One read of a capability, for what every capability owes at the cloud's door. */
export type Read = (
  cloud: Cloud,
  world: ContractWorld,
  opts: { readonly within: Ms },
) => Promise<Result<unknown, CloudFailure>>;

/** What every capability does when the door is closed, slow or crowded. */
export function mannersContract(capability: string, open: Open, read: Read): void {
  test(`${capability}: a wrong key is denied`, async () => {
    const world = await open();
    expect(await kindOf(read(world.stranger, world, { within: seconds(5) }))).toBe('denied');
  });

  test(`${capability}: a call keeps its limit when the cloud does not answer`, async () => {
    const world = await open();
    world.trouble('hanging');
    const began = performance.now();
    expect(await kindOf(read(world.cloud, world, { within: ms(500) }))).toBe('unavailable');
    expect(performance.now() - began).toBeLessThan(1500);
  });

  test(`${capability}: a throttled call is repeated until the cloud takes it`, async () => {
    const world = await open();
    world.trouble('throttled');
    setTimeout(() => world.trouble(undefined), 300);
    expect(await kindOf(read(world.cloud, world, { within: seconds(10) }))).toBe('ok');
  });

  test(`${capability}: a call that stays throttled says so within its limit`, async () => {
    const world = await open();
    world.trouble('throttled');
    const began = performance.now();
    expect(await kindOf(read(world.cloud, world, { within: seconds(1) }))).toBe('throttled');
    expect(performance.now() - began).toBeLessThan(2000);
  });
}
