import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseRange, staticFiles } from './static-files.ts';

let folder: string;
let base: string;
const server = createServer((request, response) => staticFiles('/bundle', join(folder, 'in'))(request, response));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'static-files-'));
  await mkdir(join(folder, 'in/bin'), { recursive: true });
  await writeFile(join(folder, 'in/bin/tool'), '0123456789');
  await writeFile(join(folder, 'in/empty'), '');
  await writeFile(join(folder, 'secret'), 'no');
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

test('a file comes whole, or from where a broken download stopped', async () => {
  expect(await (await fetch(`${base}/bundle/bin/tool`)).text()).toBe('0123456789');
  const rest = await fetch(`${base}/bundle/bin/tool`, { headers: { range: 'bytes=7-' } });
  expect([rest.status, rest.headers.get('content-range'), await rest.text()]).toEqual([206, 'bytes 7-9/10', '789']);
  expect(await (await fetch(`${base}/bundle/empty`)).text()).toBe('');
});

test('nothing outside of the folder is served', async () => {
  for (const path of [
    '/bundle/../secret',
    '/bundle/%2e%2e/secret',
    '/secret',
    '/bundle/bin',
    '/bundle/none',
    '/bundle/%',
  ])
    expect((await fetch(base + path)).status, path).toBe(404);
});

test('a range is read as HTTP says', () => {
  expect(parseRange('bytes=2-4', 10)).toEqual({ start: 2, end: 4 });
  expect(parseRange('bytes=-3', 10)).toEqual({ start: 7, end: 9 });
  expect(parseRange('bytes=8-99', 10)).toEqual({ start: 8, end: 9 });
  expect(parseRange('bytes=10-', 10)).toBe('unsatisfiable');
  expect(parseRange('bytes=1-2,4-5', 10)).toBeUndefined();
  expect(parseRange(undefined, 10)).toBeUndefined();
});
