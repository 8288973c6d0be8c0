import { X509Certificate } from 'node:crypto';
import {
  createServer as createPlain,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createSecureServer, type Http2SecureServer, type Http2ServerRequest, type Http2Session } from 'node:http2';
import type { Duplex } from 'node:stream';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { WorldApplicationListener, WorldCertificate } from '../../ucloud/ulb/application/world.ts';

/** A listener that answers on its port, by what its records say at the moment. */
export interface HttpListener {
  /** From now on it does as told; connections go on. */
  readonly change: (listener: WorldApplicationListener) => void;
  /** Takes no new connection; those that it has end with their requests. */
  readonly close: () => void;
}

/** What is done with requests, whatever version of HTTP they came by. */
export interface Answering {
  readonly answer: (request: Asked, response: Answered) => void;
  /** A client that wants to go on by another protocol. */
  readonly upgrade: (request: IncomingMessage, socket: Duplex, head: Buffer) => void;
}

export type Asked = IncomingMessage | Http2ServerRequest;
/** HTTP/2's has the same methods. */
export type Answered = ServerResponse;

/** @source UCloud ALB manual, limits: 8 KB of headers */
const mostOfHeaders = 8192;

/** Resolves when it answers. @fails Error when the port is taken */
export async function openHttpListener(
  first: WorldApplicationListener,
  { answer, upgrade }: Answering,
): Promise<HttpListener> {
  let contexts = readContexts(first);
  let isByHttp2 = first.tls?.http2 ?? false;
  let patience = first.idleTimeout * 1000;
  const server = first.tls === undefined ? createPlain({ maxHeaderSize: mostOfHeaders }) : createSecured();

  function createSecured(): Http2SecureServer {
    const options = {
      allowHTTP1: true,
      maxHeaderSize: mostOfHeaders,
      settings: { maxHeaderListSize: mostOfHeaders },
      SNICallback: (name: string, done: (e: Error | null, context?: SecureContext) => void) =>
        done(null, chooseContext(contexts, name)),
      ALPNCallback: ({ protocols }: { protocols: string[] }) =>
        ['h2', 'http/1.1'].find((one) => protocols.includes(one) && (one !== 'h2' || isByHttp2)),
    };
    // A client that names nobody gets the first.
    const [usual] = first.tls?.certificates ?? [];
    return createSecureServer(usual === undefined ? options : { ...options, cert: usual.chain, key: usual.key });
  }

  function change(listener: WorldApplicationListener): void {
    contexts = readContexts(listener);
    isByHttp2 = listener.tls?.http2 ?? false;
    patience = listener.idleTimeout * 1000;
    const [usual] = listener.tls?.certificates ?? [];
    if (usual !== undefined && 'setSecureContext' in server)
      server.setSecureContext({ cert: usual.chain, key: usual.key });
    setPatience(server, listener);
  }

  server.on('request', answer as RequestListener);
  server.on('upgrade', upgrade);
  // Requests that are under way on it are answered before it ends.
  server.on('session', (session: Http2Session) => session.setTimeout(patience, () => session.close()));
  setPatience(server, first);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(first.port, '0.0.0.0', resolve);
  });
  return { change, close: () => void server.close() };
}

/** How long a connection lives on which nothing is asked. A request that is under way is not its matter. */
function setPatience(server: Server | Http2SecureServer, { idleTimeout }: WorldApplicationListener): void {
  const patience = idleTimeout * 1000;
  if ('keepAliveTimeout' in server) server.keepAliveTimeout = patience;
  if ('requestTimeout' in server) server.requestTimeout = 0;
  if ('headersTimeout' in server) server.headersTimeout = patience;
}

interface Named {
  readonly certificate: X509Certificate;
  readonly context: SecureContext;
}

/** The one for every name, and after it the others, the latest first. */
function readContexts({ tls }: WorldApplicationListener): readonly Named[] {
  const [usual, ...others] = tls?.certificates ?? [];
  return [...(usual === undefined ? [] : [usual]), ...others.toReversed()].map(readContext);
}

function readContext({ chain, key }: WorldCertificate): Named {
  return { certificate: new X509Certificate(chain), context: createSecureContext({ cert: chain, key }) };
}

/** @source UCloud ALB manual, listener certificates: of several for one name the one that was bound last */
function chooseContext([usual, ...others]: readonly Named[], name: string): SecureContext | undefined {
  return (others.find(({ certificate }) => certificate.checkHost(name) !== undefined) ?? usual)?.context;
}
