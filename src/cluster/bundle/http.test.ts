import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { explainRequestFault } from './fetch-file.ts';
import { openHttp, proxiesOf } from './http.ts';

test.each([
  [
    'both spellings',
    { HTTPS_PROXY: 'http://a:1', http_proxy: 'http://b:2', no_proxy: 'c' },
    ['http://b:2', 'http://a:1', 'c'],
  ],
  ['the small one first', { HTTPS_PROXY: 'http://a:1', https_proxy: 'http://b:2' }, ['', 'http://b:2', '']],
  ['a name and a port', { HTTPS_PROXY: 'proxy.example.com:3128' }, ['', 'http://proxy.example.com:3128', '']],
  ['none', { HTTPS_PROXY: '' }, ['', '', '']],
])('proxies are named as other programs take them: %s', (_title, env, [http, https, none]) => {
  expect(proxiesOf(env)).toEqual({ http, https, none });
});

test('what is no proxy is told with the variable that says it', () => {
  expect(() => proxiesOf({ HTTPS_PROXY: 'http://:x' })).toThrow(
    'HTTPS_PROXY is "http://:x", which is not the URL of a proxy; write for example http://proxy.example.com:3128',
  );
});

test('a proxy that refuses is told as such', async () => {
  const proxy = createServer().listen(0, '127.0.0.1');
  proxy.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
  await once(proxy, 'listening');
  const https = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const http = openHttp({ http: '', https, none: '' });
  try {
    const fault = await request('https://releases.invalid', { dispatcher: http }).catch(explainRequestFault);
    expect(fault).toBe(
      'the proxy refuses to connect to that server, or to the one that it redirects to, with HTTP status 403',
    );
  } finally {
    await http.close();
    proxy.close();
  }
});
