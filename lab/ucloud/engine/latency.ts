import { type Ms, ms, seconds } from '#unit/clock.ts';
import { type Chance, draw } from './random.ts';

/**
 * How long the cloud takes for something: least and most. The regression scenarios of UCloud's Go SDK give the first look after
 * each call, which is what its testers found sensible; a wait drawn from these ends at about that time.
 * @unit seconds
 * @source ucloud-sdk-go 0.22.98 regression scenarios, except where a row names another
 */
export type Latency = readonly [least: number, most: number];

/** @unit speed: 1 is realistic, 0.05 twenty times faster */
export function drawLatency([least, most]: Latency, speed: number, chance: Chance): Ms {
  return ms(seconds(least + draw(chance) * (most - least)) * speed);
}
