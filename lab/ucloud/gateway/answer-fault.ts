import { seconds } from '#unit/clock.ts';
import type { Action } from './declare.ts';
import type { Desk } from './desk.ts';
import type { FaultWish } from './fault-wish.ts';
import type { PlantedFault } from './faults.ts';
import type { Params } from './parameters.ts';
import { Refusal } from './refusal.ts';
import type { GatewayState } from './state.ts';

/** The connection ends without an answer. */
export class HangUp extends Error {}

const codes = { throttle: 153, timeout: 110, internal: 130, unavailable: 150 } as const;
const words = 'trouble on request';
const usualDelay = seconds(3);

/**
 * Performs an action as the fault wants it.
 * @fails Refusal · HangUp
 */
export async function answerWithFault<Cloud extends Desk<GatewayState>>(
  { wish }: PlantedFault,
  action: Action<Cloud>,
  params: Params,
  cloud: Cloud,
  frozen: Cloud,
): Promise<object> {
  switch (wish.kind) {
    case 'throttle':
    case 'timeout':
    case 'internal':
    case 'unavailable':
      throw new Refusal(codes[wish.kind], words);
    case 'refuse':
      throw new Refusal(wish.code ?? codes.internal, words);
    case 'hang-up':
      throw new HangUp();
    case 'timeout-done':
      await action.run(params, cloud);
      throw new Refusal(codes.timeout, words);
    case 'hang-up-done':
      await action.run(params, cloud);
      throw new HangUp();
    case 'slow':
      await cloud.wait(wish.delay ?? usualDelay);
      return action.run(params, cloud);
    case 'empty-list':
      return mapList(await action.run(params, cloud), () => [], { total: 0 });
    case 'half-page':
      return mapList(await action.run(params, cloud), (list) => list.slice(0, Math.ceil(list.length / 2)));
    case 'stale-list':
      return action.run(params, frozen);
    case 'unread-state':
      return mapList(await action.run(params, cloud), (list) => list.map((one) => ({ ...(one as object), State: '' })));
    case 'fewer':
      return action.run(halved(params), cloud);
    case 'install-fail':
    case 'other-rdma-cluster':
    case 'late-device':
    case 'swapped-device':
    case 'slow-detach':
      return spoiled(await action.run(params, cloud), action, cloud, wish);
  }
}

/** The one list of an answer, changed. @unit total: what TotalCount tells instead */
function mapList(
  body: object,
  change: (list: readonly unknown[]) => readonly unknown[],
  told: { total?: number } = {},
) {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => {
      if (Array.isArray(value)) return [name, change(value)];
      return [name, name === 'TotalCount' && told.total !== undefined ? told.total : value];
    }),
  );
}

/** At least one of what was asked for by MaxCount or Count: none at all would be a refusal. */
function halved(params: Params): Params {
  const half = (count: unknown): string => String(Math.max(1, Math.floor(Number(count) / 2)));
  const fewer = ['MaxCount', 'Count'].filter((name) => params[name] !== undefined);
  return { ...params, ...Object.fromEntries(fewer.map((name) => [name, half(params[name])])) };
}

function spoiled<Cloud>(answer: object, { spoil }: Action<Cloud>, cloud: Cloud, wish: FaultWish): object {
  spoil?.(answer, cloud, wish);
  return answer;
}
