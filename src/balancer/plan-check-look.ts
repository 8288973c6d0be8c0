import { type Ms, ms, seconds } from '#unit/clock.ts';

/**
 * When the checks of a balancer are looked at again. What the first look shows is used at once: it may only have been unknown here. Checks need three answers, 2 s apart; what is not well
 * after a minute may never be.
 * @unit looks: how often in a row they were looked at
 */
export function planCheckLook(looks: number): Ms {
  if (looks === 1) return ms(50);
  return looks <= 20 ? seconds(2) : seconds(30);
}
