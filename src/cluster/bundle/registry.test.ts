import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { openHttp } from './http.ts';
import { findImage, type ImageFound } from './registry.ts';

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const piece = (of: string) => ({ digest: digestOf(of), size: of.length });
const manifest = JSON.stringify({ schemaVersion: 2, config: piece('config'), layers: [piece('one'), piece('two')] });
const indexFor = (...platforms: string[]): string =>
  JSON.stringify({
    manifests: platforms.map((architecture) => ({
      ...piece(manifest),
      platform: { os: 'linux', architecture },
    })),
  });

/** Answers as registries do; what it says of each path is set by the test. */
let server: Server;
let paths: Record<string, { status?: number; text?: string; headers?: Record<string, string> }>;
let wantsToken = false;
const http = openHttp({ http: '', https: '', none: '' });
const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

beforeAll(async () => {
  server = createServer((request, response) => {
    const path = (request.url ?? '').replace(/^\/v2\/lib\/app/, '');
    if (path.startsWith('/token')) return void response.end(JSON.stringify({ token: `for ${path}` }));
    const authorized =
      request.headers.authorization?.startsWith('Bearer for /token?service=reg&scope=repository') === true;
    if (wantsToken && !authorized) {
      const challenge = `Bearer realm="${origin()}/token",service="reg",scope="repository:lib/app:pull"`;
      return void response.writeHead(401, { 'www-authenticate': challenge }).end();
    }
    const { status = 200, text = '', headers = {} } = paths[path] ?? { status: 404 };
    response.writeHead(status, headers).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  await http.close();
  server.close();
});
beforeEach(() => {
  wantsToken = false;
  paths = { '/manifests/1': { text: manifest } };
});

const find = (reference = '1'): Promise<ImageFound> => {
  const place = { server: origin(), repository: 'lib/app', reference };
  return findImage('example.com/lib/app:1', place, { http, signal: new AbortController().signal });
};

test('an image is its configuration and layers, each at its digest', async () => {
  const found = await find();
  expect([found.config, ...found.layers]).toEqual([piece('config'), piece('one'), piece('two')]);
  expect(found.urlOf(found.config)).toBe(`${origin()}/v2/lib/app/blobs/${digestOf('config')}`);
});

test('of a list of platforms, ours is taken', async () => {
  paths = {
    '/manifests/1': { text: indexFor('arm64', 'amd64') },
    [`/manifests/${digestOf(manifest)}`]: { text: manifest },
  };
  expect((await find()).layers).toHaveLength(2);
});

test('a registry that sends to a nearer copy is followed there', async () => {
  paths = { '/manifests/1': { status: 307, headers: { location: '/near' } }, '/near': { text: manifest } };
  expect((await find()).layers).toHaveLength(2);
});

test('a registry that wants the token that everyone gets sees it, with each piece as well', async () => {
  wantsToken = true;
  expect((await find()).headers['authorization']).toContain('scope=repository%3Alib%2Fapp%3Apull');
});

test.each<[string, typeof paths, string, RegExp]>([
  ['a tag that is not there', {}, '1', /manifests\/1 has no such image; check the name and the tag/],
  [
    'a manifest that is not what the registry says of it',
    { '/manifests/1': { text: manifest, headers: { 'docker-content-digest': digestOf('other') } } },
    '1',
    /has the digest sha256:.* instead of sha256:.*another registry/,
  ],
  [
    'a manifest that is not what was asked for by digest',
    { [`/manifests/${digestOf('other')}`]: { text: manifest } },
    digestOf('other'),
    /instead of sha256/,
  ],
  ['another platform', { '/manifests/1': { text: indexFor('arm64') } }, '1', /linux\/arm64, but not for linux\/amd64/],
  ['a login page', { '/manifests/1': { text: '<html>' } }, '1', /is not JSON/],
  ['another artifact', { '/manifests/1': { text: '{"layers":[]}' } }, '1', /that is not an image/],
  ['a registry in trouble', { '/manifests/1': { status: 503 } }, '1', /HTTP status 503; try again later/],
  [
    'a private image',
    { '/manifests/1': { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } } },
    '1',
    /requires a login; use a registry that serves this image without one/,
  ],
])('%s is told with its name and cure', async (_title, said, reference, message) => {
  paths = said;
  await expect(find(reference)).rejects.toThrow(message);
  await expect(find(reference)).rejects.toThrow('image example.com/lib/app:1: ');
});
