import type { HostMatch, PathMatch } from '../application-balancer.ts';

/**
 * Hosts and paths as expressions: a rule of UCloud takes one host and one path, and its wildcards are for any depth. In an expression no
 * backslash may stand, so what would have a meaning stands alone in brackets.
 * @shape `undefined` for what no expression can say
 * @source UCloud product manual of ALB, "content forwarding": PCRE, at most 255 characters, and which ones there may be
 */
export function formatHost({ by, text }: HostMatch): string | undefined {
  if (by === 'regex') return fitting(text, hostExpression);
  const rest = by === 'exact' ? text : (/^\*(\..+)$/.exec(text)?.[1] ?? '');
  const first = by === 'exact' ? '' : oneLabel;
  return plainHost.test(rest)
    ? fitting(`^${first}${rest.replaceAll('.', '[.]')}${anyPort}$`, hostExpression)
    : undefined;
}

export function formatPath({ by, text }: PathMatch): string | undefined {
  if (by === 'regex') return fitting(text, pathExpression);
  if (!text.startsWith('/') || !plainPath.test(text)) return undefined;
  const literal = (by === 'prefix' ? withoutEnd(text) : text).replaceAll(special, '[$&]');
  return fitting(`^${literal}${by === 'prefix' ? anyDepth : ''}$`, pathExpression);
}

/** What was meant by an expression of ours; any other is told as it is. */
export function parseHost(text: string): HostMatch {
  const inner = text.slice(1, -1 - anyPort.length).replaceAll('[.]', '.');
  const meant: readonly HostMatch[] = [
    { by: 'exact', text: inner },
    { by: 'wildcard', text: `*${inner.slice(oneLabel.length)}` },
  ];
  return meant.find((one) => formatHost(one) === text) ?? { by: 'regex', text };
}

export function parsePath(text: string): PathMatch {
  const literal = (part: string): string => part.replaceAll(/\[(\]|[^\]])\]/g, '$1');
  const prefix = literal(text.slice(1, -1 - anyDepth.length));
  const meant: readonly PathMatch[] = [
    { by: 'exact', text: literal(text.slice(1, -1)) },
    { by: 'prefix', text: prefix === '' ? '/' : prefix },
  ];
  return meant.find((one) => formatPath(one) === text) ?? { by: 'regex', text };
}

/** `/a/` is for the same as `/a`, and `/` for all. */
function withoutEnd(text: string): string {
  return text.replace(/\/+$/, '');
}

function fitting(expression: string, characters: RegExp): string | undefined {
  return expression.length <= 255 && characters.test(expression) ? expression : undefined;
}

/** Of a host that is asked for with its port, as browsers do where it is not the usual one. */
const anyPort = '(:[0-9]+)?';
const anyDepth = '(/.*)?';
const oneLabel = '[^.]+';
const plainHost = /^[\p{L}\p{N}._-]+$/u;
/** No `^`: alone in brackets it would have a meaning too. */
const plainPath = /^[\p{L}\p{N}._/=?*$!:()[\]+|-]+$/u;
const special = /[.?*$()[\]+|]/g;
const hostExpression = /^[\p{L}\p{N}.?=~_+^*!$:&|()[\]-]+$/u;
const pathExpression = /^[\p{L}\p{N}._/=?^*$!:()[\]+|-]+$/u;
