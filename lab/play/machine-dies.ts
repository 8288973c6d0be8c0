import { formatMs, type Ms, minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { comparePods } from './compare-pods.ts';
import { makePods, untilAllReady, type World } from './world.ts';

/** What became of the pods of a machine of the site that lost its power. */
export interface DeathOutcome {
  readonly machine: string;
  /** From the loss of power until its pods that may start elsewhere were being replaced, and until the replacements were ready. */
  readonly deleted: Ms;
  readonly replaced: Ms;
  /** The condition of its Node at that time. */
  readonly judged: string;
}

/** Cuts the power of a machine of the site while nothing else is wrong, waits for the replacements, and switches it on again. */
export async function playMachineDies(world: World): Promise<DeathOutcome> {
  const { say, power } = world;
  const before = await makePods(world);
  const site = (await world.nodes()).filter(({ ground }) => ground === 'site').map(({ name }) => name);
  const machine = site.findLast((name) => before.some(({ node }) => node === name));
  if (machine === undefined || site.length < 2) throw new Error('this needs two machines of the site, with pods');
  const lost = before.filter(({ node }) => node === machine);
  say(`cutting the power of ${machine}, with ${lost.map(({ name }) => name).join(', ')}`);
  await power(machine, 'off');
  const begun = performance.now();
  const since = (): Ms => ms(performance.now() - begun);
  try {
    await waitFor(
      `the pods of ${machine} to be deleted`,
      async () => comparePods(lost, await world.pods()).deleted.length === lost.length,
      { within: minutes(7), every: seconds(1) },
    );
    const deleted = since();
    const judged = (await world.nodes()).find(({ name }) => name === machine)?.cut ?? 'nothing is known of it';
    say(`deleted after ${formatMs(deleted)}; ${judged}`);
    await waitFor(
      'their replacements to be ready',
      async () => {
        const now = (await world.pods()).filter(({ isGoing }) => !isGoing);
        return now.length >= before.length && now.every(({ isReady }) => isReady);
      },
      { within: minutes(3), every: seconds(1) },
    );
    const replaced = since();
    say(`replaced after ${formatMs(replaced)}`);
    return { machine, deleted, replaced, judged };
  } finally {
    say(`switching ${machine} on again`);
    await power(machine, 'start');
    await untilAllReady(world);
  }
}

/** What is not as promised: Kubernetes alone takes 350 seconds. */
export function faultsOfDeath({ deleted, judged }: DeathOutcome): readonly string[] {
  return [
    ...(judged.startsWith('MachineDead') ? [] : [`judged ${judged}`]),
    ...(deleted > minutes(2) ? [`its pods were deleted only after ${formatMs(deleted)}`] : []),
  ];
}
