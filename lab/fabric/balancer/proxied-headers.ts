import type { IncomingHttpHeaders } from 'node:http';
import type { HeaderAction } from '../../ucloud/ulb/application/state.ts';

export type Headers = Record<string, string | readonly string[]>;

/** Who asks, and where. */
export interface Asker {
  readonly ip: string;
  readonly port: number;
  readonly protocol: 'http' | 'https';
  readonly balancer: string;
  /** The listener's. */
  readonly balancerPort: number;
  readonly rule: string;
}

/** What is about one connection, not about the request. */
const ofConnection = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers without those that are about one connection, and without those of HTTP/2's first line. */
export function withoutConnection(headers: IncomingHttpHeaders): Headers {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || name.startsWith(':') || ofConnection.has(name) || named.includes(name)
        ? []
        : [[name, value]],
    ),
  );
}

/**
 * What a target reads before the request's body.
 * @source UCloud API reference, ulb-api, RuleActions: the headers that a balancer sets by itself, and those that rules insert or remove
 */
export function headersToTarget(
  asked: IncomingHttpHeaders,
  { asker, actions }: { readonly asker: Asker; readonly actions: readonly HeaderAction[] },
): Headers {
  const headers = withoutConnection(asked);
  const host = asked.host ?? asked[':authority'];
  if (typeof host === 'string') headers.host = host;
  headers['x-real-ip'] = asker.ip;
  headers['x-forwarded-for'] = [asked['x-forwarded-for'], asker.ip].filter(Boolean).join(', ');
  headers['x-forwarded-proto'] = asker.protocol;
  headers['x-forwarded-srcport'] = String(asker.port);
  for (const action of actions) {
    if (action.type === 'RemoveHeader') delete headers[action.key.toLowerCase()];
    if (action.type !== 'InsertHeader') continue;
    const value = insertedValue(action, asked, asker);
    if (value !== undefined) headers[action.key.toLowerCase()] = value;
  }
  return headers;
}

/** @shape `undefined`: the header that is referred to is not there */
function insertedValue(
  { kind, value }: Extract<HeaderAction, { type: 'InsertHeader' }>,
  asked: IncomingHttpHeaders,
  asker: Asker,
): string | undefined {
  if (kind === 'UserDefined') return value;
  if (kind === 'ReferenceHeader') return asked[value]?.toString();
  const known: Readonly<Record<string, string>> = {
    ClientSrcPort: String(asker.port),
    ClientSrcIp: asker.ip,
    Protocol: asker.protocol.toUpperCase(),
    RuleID: asker.rule,
    ALBID: asker.balancer,
    ALBPort: String(asker.balancerPort),
  };
  return known[value];
}
