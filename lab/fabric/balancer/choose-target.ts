import type { WorldListener } from '../../ucloud/ulb/network/world.ts';
import type { WorldTarget } from '../../ucloud/ulb/world-place.ts';

/** Which target a new connection goes to, with what has gone to each before. */
export interface Chooser {
  /** @shape `undefined`: there is no target */
  readonly take: <T extends WorldTarget>(client: string, from: Choice<T>) => T | undefined;
  /** A target that was chosen otherwise has one more connection. */
  readonly hold: (target: WorldTarget) => void;
  /** A connection has ended. */
  readonly giveBack: (target: WorldTarget) => void;
}

type Choice<T extends WorldTarget> = Pick<WorldListener, 'scheduler' | 'stickiness'> & {
  readonly targets: readonly T[];
};

/** @shape now: milliseconds */
export function createChooser(now: () => number): Chooser {
  const busy = new Map<string, number>();
  const kept = new Map<string, { readonly key: string; readonly until: number }>();
  let turn = 0;
  const loadOf = (target: WorldTarget): number => busy.get(keyOf(target)) ?? 0;

  function hold(target: WorldTarget): void {
    busy.set(keyOf(target), loadOf(target) + 1);
  }

  function keptTarget<T extends WorldTarget>(client: string, { targets }: Choice<T>): T | undefined {
    const keeps = kept.get(client);
    return keeps === undefined || keeps.until <= now() ? undefined : targets.find((one) => keyOf(one) === keeps.key);
  }

  return {
    take(client, from) {
      const chosen = keptTarget(client, from) ?? chooseTarget(from, { client, turn: turn++, loadOf });
      if (chosen === undefined) return undefined;
      hold(chosen);
      if (from.stickiness > 0) kept.set(client, { key: keyOf(chosen), until: now() + from.stickiness * 1000 });
      return chosen;
    },
    hold,
    giveBack: (target) => void busy.set(keyOf(target), loadOf(target) - 1),
  };
}

function keyOf({ ip, port }: WorldTarget): string {
  return `${ip}:${port}`;
}

interface Asked {
  readonly client: string;
  /** How many connections have come before. */
  readonly turn: number;
  readonly loadOf: (target: WorldTarget) => number;
}

function chooseTarget<T extends WorldTarget>(
  { scheduler, targets }: Choice<T>,
  { client, turn, loadOf }: Asked,
): T | undefined {
  const inTurn = targets.flatMap((target) =>
    Array<T>(scheduler === 'WeightRoundRobin' ? target.weight : 1).fill(target),
  );
  if (inTurn.length === 0) return undefined;
  if (scheduler === 'SourceHash') return inTurn[hashOf(client) % inTurn.length];
  if (scheduler === 'RoundRobin' || scheduler === 'WeightRoundRobin') return inTurn[turn % inTurn.length];
  const burden = (target: WorldTarget): number =>
    loadOf(target) / (scheduler === 'WeightLeastConn' ? target.weight : 1);
  const least = Math.min(...targets.map(burden));
  // Of several that are equally busy each has its turn.
  const idle = targets.filter((target) => burden(target) === least);
  return idle[turn % idle.length];
}

function hashOf(text: string): number {
  let hash = 0;
  for (const sign of text) hash = (Math.imul(hash, 31) + sign.charCodeAt(0)) >>> 0;
  return hash;
}

/**
 * What a target reads before the client's own bytes.
 * @source haproxy.org, proxy-protocol.txt, version 1. Which version UCloud sends is not published; what reads the protocol reads both
 */
export function formatProxyLine(client: {
  readonly remoteAddress?: string | undefined;
  readonly remotePort?: number | undefined;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
}): string {
  const { remoteAddress, remotePort, localAddress, localPort } = client;
  // It has hung up already.
  if (remoteAddress === undefined || localAddress === undefined) return 'PROXY UNKNOWN\r\n';
  return `PROXY TCP4 ${remoteAddress} ${localAddress} ${remotePort} ${localPort}\r\n`;
}
