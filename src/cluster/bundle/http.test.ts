import { expect, test } from 'vitest';
import { proxiesOf } from './http.ts';

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
    'HTTPS_PROXY is "http://:x", which is no proxy\'s URL; write for example http://proxy.example.com:3128',
  );
});
