import { drawHex, drawName } from '../engine/random.ts';
import type { GatewayState, SessionRecord } from '../gateway/state.ts';

/** Gives temporary keys, which the gateway knows from now on. @unit duration: seconds; now: Unix milliseconds */
export function openSession(duration: number, state: GatewayState, now: number, machine?: string): SessionRecord {
  const session = {
    publicKey: `STS.${drawName(state.chance, 20)}`,
    privateKey: drawHex(state.chance, 40),
    token: drawName(state.chance, 60),
    expiresAt: Math.floor(now / 1000) + duration,
    ...(machine === undefined ? {} : { machine }),
  };
  // Those that ended long ago are of no use to anybody.
  const live = state.sessions.filter(({ expiresAt }) => expiresAt * 1000 > now);
  state.sessions.splice(0, state.sessions.length, ...live, session);
  return session;
}
