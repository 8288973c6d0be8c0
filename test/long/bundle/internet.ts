import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import type { ReleaseWorld } from '../../lab/bundle/release-world.ts';
import { authorityIn } from '../../support/certificates.ts';

/** The servers of official releases, as a computer behind a proxy sees them. */
export interface Internet {
  /** For `HTTPS_PROXY`; the only way to any of them. */
  readonly proxy: string;
  /** File with the authority that their certificates are from. */
  readonly authority: string;
  /** The hosts that were asked, each once. */
  readonly asked: ReadonlySet<string>;
  /** What was asked for and is none of theirs. */
  readonly refused: readonly string[];
  close(): Promise<void>;
}

/** Where the answer to a request is: at another address of the internet, or in the release world. */
type Place = { readonly redirect: 302 | 307; readonly to: string } | { readonly from: string };
type Host = (path: string) => Place | undefined;

const bucket = 'prod-registry-k8s-io-us-east-2.s3.dualstack.us-east-2.amazonaws.com';
const upstream = 'us-east4-docker.pkg.dev';

/**
 * Each host sends on to where the real one does.
 * @source registry.k8s.io: kubernetes/registry.k8s.io cmd/archeio/docs/request-handling.md; dl.k8s.io: its redirection to cdn.dl.k8s.io;
 *         github.com: release assets lie on a host of their own
 */
function hostsOf({ releases, registry }: ReleaseWorld): ReadonlyMap<string, Host> {
  // The bucket has pieces by digest alone; our registry wants to know of which image.
  const imageOf = new Map<string, string>();
  return new Map<string, Host>([
    ['dl.k8s.io', (path) => ({ redirect: 302, to: `https://cdn.dl.k8s.io${path}` })],
    ['cdn.dl.k8s.io', (path) => ({ from: `${releases}${path}` })],
    [
      'github.com',
      (path) => {
        const file = /^\/containernetworking\/plugins\/releases\/download(\/v.*)$/.exec(path)?.[1];
        if (file === undefined) return undefined;
        return { redirect: 302, to: `https://release-assets.githubusercontent.com${file}?sp=r&sig=0` };
      },
    ],
    ['release-assets.githubusercontent.com', (path) => ({ from: `${releases}/cni${path}` })],
    [
      'registry.k8s.io',
      (path) => {
        const [, image = '', digest] = /^\/v2\/(.+)\/blobs\/(sha256:\w+)$/.exec(path) ?? [];
        if (digest === undefined)
          return { redirect: 307, to: `https://${upstream}/v2/k8s-artifacts-prod/images${path.slice('/v2'.length)}` };
        imageOf.set(digest, image);
        return { redirect: 307, to: `https://${bucket}/containers/images/${digest}?rid=0` };
      },
    ],
    [upstream, (path) => ({ from: `${registry}${path.replace('/k8s-artifacts-prod/images', '')}` })],
    [
      bucket,
      (path) => {
        const digest = path.slice('/containers/images/'.length);
        return { from: `${registry}/v2/${imageOf.get(digest)}/blobs/${digest}` };
      },
    ],
  ]);
}

export async function openInternet(world: ReleaseWorld): Promise<Internet> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-internet-'));
  const hosts = hostsOf(world);
  const asked = new Set<string>();
  const refused: string[] = [];
  const authority = await authorityIn(folder);
  const names = [...hosts.keys()].map((name) => `DNS:${name}`).join(',');
  const { key, certificate } = await authority.sign('servers', '/CN=servers', names);
  const servers = createTlsServer({ key, cert: certificate }, (asking, response) => {
    const { host = '' } = asking.headers;
    const path = (asking.url ?? '').split('?')[0] ?? '';
    asked.add(host);
    const place = hosts.get(host)?.(path);
    if (place === undefined) refused.push(`${host}${path}`);
    answer(place, asking, response).catch(() => response.destroy());
  });
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', (asking: IncomingMessage, socket) => {
    const [host = '', port] = (asking.url ?? '').split(':');
    if (hosts.has(host) && port === '443') {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      servers.emit('connection', socket);
    } else {
      refused.push(asking.url ?? '');
      socket.end('HTTP/1.1 502 Bad gateway\r\n\r\n');
    }
  });
  await once(proxy, 'listening');
  return {
    proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    authority: join(folder, 'ca.crt'),
    asked,
    refused,
    close: async () => {
      servers.closeAllConnections();
      proxy.closeAllConnections();
      await once(proxy.close(), 'close');
      await rm(folder, { recursive: true });
    },
  };
}

async function answer(place: Place | undefined, asking: IncomingMessage, response: ServerResponse): Promise<void> {
  if (place === undefined) return void response.writeHead(404).end();
  if ('redirect' in place) return void response.writeHead(place.redirect, { location: place.to }).end();
  // A bucket refuses the token of a registry, as S3 does.
  if (asking.headers.authorization !== undefined) return void response.writeHead(400).end('unexpected authorization');
  const { accept = '*/*', range } = asking.headers;
  const { statusCode, headers, body } = await request(place.from, {
    headers: { accept, ...(range !== undefined && { range }) },
  });
  response.writeHead(statusCode, headers as Record<string, string>);
  await pipeline(body, response);
}
