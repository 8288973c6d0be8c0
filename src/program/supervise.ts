import type { ControllerGiven, ControllerPart } from '#capability/controller-part.ts';
import { type Backoff, planBackoff } from '#kube/plan-backoff.ts';
import { minutes, seconds, sleep } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { counter, gauge } from '#unit/metrics.ts';

const running = gauge(
  'isthmus_controller_running',
  '1 while the controller of this name works, 0 while it waits to be started again.',
  ['controller'],
);
const restarts = counter(
  'isthmus_controller_restarts_total',
  'How often a controller ended before its time and was started again.',
  ['controller'],
);

/**
 * Runs all controllers until `end`, each on its own: one that fails is started again after a growing wait, and no other notices.
 * Resolves when the last of them has ended.
 */
export async function supervise(
  parts: readonly ControllerPart[],
  given: ControllerGiven,
  end: AbortSignal,
  backoff: Backoff = patient,
): Promise<void> {
  await Promise.all(parts.map((part) => keepRunning(part, given, end, backoff)));
}

async function keepRunning(
  part: ControllerPart,
  given: ControllerGiven,
  end: AbortSignal,
  backoff: Backoff,
): Promise<void> {
  const controller = part.name;
  for (let failures = 0; !end.aborted; ) {
    const begun = performance.now();
    const fault = await runOnce(part, given, end);
    if (end.aborted) return;
    // What worked for long enough has recovered from what came before.
    failures = performance.now() - begun > backoff.most ? 1 : failures + 1;
    const wait = planBackoff(failures, backoff, Math.random());
    restarts.inc({ controller });
    given.note({ controller, fault, failures, again: wait }, 'a controller ended before its time');
    await sleep(wait, end).catch(() => undefined);
  }
}

/** One life of a controller. What it has opened under its signal ends with it, also when it failed. @shape why it ended */
async function runOnce(part: ControllerPart, given: ControllerGiven, end: AbortSignal): Promise<string> {
  const own = new AbortController();
  const at = { controller: part.name };
  running.set(at, 1);
  try {
    await part.run(given, AbortSignal.any([end, own.signal]));
    return 'it returned';
  } catch (e) {
    return messageOf(e);
  } finally {
    running.set(at, 0);
    own.abort(new Error(`the controller ${part.name} has ended`));
  }
}

const patient = { first: seconds(1), most: minutes(1) };
