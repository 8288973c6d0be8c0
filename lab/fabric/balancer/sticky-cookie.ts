import { createHash } from 'node:crypto';
import type { WorldApplicationListener } from '../../ucloud/ulb/application/world.ts';
import type { WorldTarget } from '../../ucloud/ulb/world-place.ts';

type Cookie = NonNullable<WorldApplicationListener['cookie']>;

/**
 * How a client keeps its target by a cookie. One of the balancer's own has nothing else in it; one that targets set has the target
 * written before its value on the way to the client, and taken off on the way back.
 * @source UCloud ALB manual, listeners: a key that is made, a key of the user's whose cookie is written anew
 */
export interface Kept {
  /** What the client's cookie names, if it names one. */
  readonly mark: string | undefined;
  /** The Cookie header for the target. */
  readonly header: string | undefined;
}

const between = '~';

/** @shape header: the client's Cookie header */
export function readKept(cookie: Cookie | undefined, header: string | undefined): Kept {
  if (cookie === undefined || header === undefined) return { mark: undefined, header };
  const pairs = header.split(';').map((pair) => pair.trim());
  const at = pairs.findIndex((pair) => pair.startsWith(`${cookie.name}=`));
  const value = pairs[at]?.slice(cookie.name.length + 1);
  if (value === undefined) return { mark: undefined, header };
  if (cookie.isOwn) return { mark: value, header };
  const end = value.indexOf(between);
  if (end < 0) return { mark: undefined, header };
  const plain = `${cookie.name}=${value.slice(end + 1)}`;
  return { mark: value.slice(0, end), header: pairs.with(at, plain).join('; ') };
}

/** The Set-Cookie headers for the client. @shape isNew: the client did not name this target */
export function keepBy(
  cookie: Cookie | undefined,
  target: WorldTarget,
  { setByTarget, isNew }: { setByTarget: readonly string[]; isNew: boolean },
): readonly string[] {
  if (cookie === undefined) return setByTarget;
  if (cookie.isOwn) return isNew ? [...setByTarget, `${cookie.name}=${markOf(target)}; Path=/; HttpOnly`] : setByTarget;
  const start = `${cookie.name}=`;
  return setByTarget.map((one) =>
    one.startsWith(start) ? `${start}${markOf(target)}${between}${one.slice(start.length)}` : one,
  );
}

/** Tells nobody the target's address. */
export function markOf({ ip, port }: WorldTarget): string {
  return createHash('sha256').update(`${ip}:${port}`).digest('hex').slice(0, 16);
}
