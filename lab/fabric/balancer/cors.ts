import type { IncomingHttpHeaders } from 'node:http';
import type { Cors } from '../../ucloud/ulb/application/state.ts';

/** What a request between origins gets, by the rule's settings. */
export interface CorsAnswer {
  readonly headers: Readonly<Record<string, string>>;
  /** Whether the request only asks if another may come: that one the balancer answers by itself. */
  readonly isPreflight: boolean;
}

export function answerCors(cors: Cors, method: string, asked: IncomingHttpHeaders): CorsAnswer {
  const { origin } = asked;
  const isPreflight = method === 'OPTIONS' && asked['access-control-request-method'] !== undefined;
  if (origin === undefined) return { headers: {}, isPreflight: false };
  if (!cors.origins.some((one) => admits(one, origin))) return { headers: { vary: 'origin' }, isPreflight };
  // With credentials a browser takes no star.
  const isOpen = cors.origins.includes('*') && !cors.credentials;
  return {
    headers: {
      'access-control-allow-origin': isOpen ? '*' : origin,
      ...(isOpen ? {} : { vary: 'origin' }),
      ...(cors.credentials ? { 'access-control-allow-credentials': 'true' } : {}),
      ...list('access-control-expose-headers', isPreflight ? [] : cors.exposed),
      ...list('access-control-allow-methods', isPreflight ? cors.methods : []),
      ...list('access-control-allow-headers', isPreflight ? cors.headers : []),
      ...(isPreflight ? { 'access-control-max-age': String(cors.maxAge) } : {}),
    },
    isPreflight,
  };
}

function list(name: string, values: readonly string[]): Readonly<Record<string, string>> {
  return values.length === 0 ? {} : { [name]: values.join(', ') };
}

/** A star stands for one level of names. */
function admits(allowed: string, origin: string): boolean {
  if (allowed === '*' || allowed === origin) return true;
  const [scheme = '', rest = ''] = allowed.split('*');
  if (!allowed.includes('*') || !origin.startsWith(scheme) || !origin.endsWith(rest)) return false;
  const label = origin.slice(scheme.length, origin.length - rest.length);
  return label !== '' && !label.includes('.');
}
