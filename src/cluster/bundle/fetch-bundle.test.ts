import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Bundle } from './bundle.ts';
import { fetchBundle, imageNamed } from './fetch-bundle.ts';

const sha = `sha256:${'a'.repeat(64)}`;
const good: Bundle = {
  format: 'isthmus-bundle/v1',
  versions: { kubernetes: '1.36.3', etcd: '3.6.8', coredns: '1.14.2', cniPlugins: '1.9.1', isthmus: '0.1.0' },
  bin: [{ name: 'kubelet', path: 'bin/kubelet', digest: sha, size: 1, roles: ['node'] }],
  cni: [],
  images: [
    { path: 'images/pause.tar', digest: sha, size: 1, names: ['registry.k8s.io/pause:3.10.2'], roles: ['node'] },
  ],
};
let server: Server;
let text = '';
let status = 200;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.writeHead(request.url === '/b/bundle.json' ? status : 404).end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => server.close());

const source = (digest = digestOf(text)) => ({
  url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/b`,
  digest,
});
const digestOf = (of: string) => `sha256:${createHash('sha256').update(of).digest('hex')}`;

test('the bundle that is meant is read whole', async () => {
  text = JSON.stringify(good);
  expect(await fetchBundle(source())).toEqual(good);
});

test.each<[string, () => void, string | undefined, RegExp]>([
  [
    'another bundle than the one meant',
    () => undefined,
    sha,
    /its digest is sha256:.* but bundle\.digest in cluster\.yaml says sha256:a+/,
  ],
  [
    'a server that refuses',
    () => (status = 503),
    undefined,
    /bundle\.json: HTTP status 503; bundle\.url must be reachable/,
  ],
  [
    'a file of another form, with every fault',
    () => (text = JSON.stringify({ ...good, format: 'v9', bin: [{ ...good.bin[0], path: '../etc/passwd' }] })),
    undefined,
    /is not a bundle of format isthmus-bundle\/v1: format: .*; bin\.0\.path: .*make it again/,
  ],
])('%s is refused with its cure', async (_title, change, digest, message) => {
  status = 200;
  text = JSON.stringify(good);
  change();
  await expect(fetchBundle(source(digest))).rejects.toThrow(message);
});

test('an image is found by a part of its name, and missed with a cure', () => {
  expect(imageNamed(good, 'pause:')).toBe('registry.k8s.io/pause:3.10.2');
  expect(() => imageNamed(good, 'coredns')).toThrow('no image whose name contains coredns; make the bundle again');
});
