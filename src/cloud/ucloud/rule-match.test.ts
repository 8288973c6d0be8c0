import { expect, test } from 'vitest';
import type { HostMatch, PathMatch } from '../application-balancer.ts';
import { formatHost, formatPath, parseHost, parsePath } from './rule-match.ts';

const hosts: readonly (readonly [HostMatch, string, matching: readonly string[], other: readonly string[]])[] = [
  [
    { by: 'exact', text: 'shop.example' },
    '^shop[.]example(:[0-9]+)?$',
    ['shop.example', 'shop.example:8080'],
    ['shop-example', 'a.shop.example', 'shop.example.org', 'shop.example:x'],
  ],
  [{ by: 'exact', text: '7_a-b.example' }, '^7_a-b[.]example(:[0-9]+)?$', ['7_a-b.example'], ['a-b.example']],
  [
    { by: 'wildcard', text: '*.shop.example' },
    '^[^.]+[.]shop[.]example(:[0-9]+)?$',
    ['www.shop.example', 'www.shop.example:443'],
    ['shop.example', 'a.b.shop.example', '.shop.example'],
  ],
  [{ by: 'regex', text: '^www[.][123][.]example$' }, '^www[.][123][.]example$', ['www.2.example'], ['www.4.example']],
];

test.each(hosts)('the host %o is said and read back, and is for what it says', (match, text, matching, other) => {
  expect(formatHost(match)).toBe(text);
  expect(parseHost(text)).toEqual(match);
  const expression = new RegExp(text);
  expect(matching.filter((host) => !expression.test(host))).toEqual([]);
  expect(other.filter((host) => expression.test(host))).toEqual([]);
});

const paths: readonly (readonly [PathMatch, string, matching: readonly string[], other: readonly string[]])[] = [
  [{ by: 'exact', text: '/a.html' }, '^/a[.]html$', ['/a.html'], ['/axhtml', '/a.html/', '/b/a.html']],
  [{ by: 'exact', text: '/' }, '^/$', ['/'], ['/a']],
  [{ by: 'prefix', text: '/a' }, '^/a(/.*)?$', ['/a', '/a/', '/a/b'], ['/ab', '/', '/b/a']],
  [{ by: 'prefix', text: '/' }, '^(/.*)?$', ['/', '/a', '/a/b.c'], []],
  [
    { by: 'exact', text: '/a(b)[c]+$*|?' },
    '^/a[(]b[)][[]c[]][+][$][*][|][?]$',
    ['/a(b)[c]+$*|?'],
    ['/ab[c]+$*|?', '/a(b)c'],
  ],
  [{ by: 'regex', text: '^/img/.*[.]jpg$' }, '^/img/.*[.]jpg$', ['/img/a/b.jpg'], ['/img/ajpg']],
];

test.each(paths)('the path %o is said and read back, and is for what it says', (match, text, matching, other) => {
  expect(formatPath(match)).toBe(text);
  expect(parsePath(text)).toEqual(match);
  // JavaScript wants the bracket escaped that PCRE takes as it is.
  const expression = new RegExp(text.replaceAll('[[]', '\\[').replaceAll('[]]', '\\]'));
  expect(matching.filter((path) => !expression.test(path))).toEqual([]);
  expect(other.filter((path) => expression.test(path))).toEqual([]);
});

test('a prefix with a slash at its end is for the same as one without', () => {
  expect(formatPath({ by: 'prefix', text: '/a/' })).toBe('^/a(/.*)?$');
  expect(formatPath({ by: 'prefix', text: '/a//' })).toBe('^/a(/.*)?$');
});

test.each([
  ['a path that does not begin at the root', { by: 'prefix', text: 'a' }],
  ['a path with a character that no expression may have', { by: 'prefix', text: '/a%20b' }],
  ['a path with a character that has a meaning in brackets too', { by: 'exact', text: '/a^b' }],
  ['a path of more than 255 characters', { by: 'exact', text: `/${'a'.repeat(255)}` }],
  ['an expression with a backslash', { by: 'regex', text: String.raw`/a\.b` }],
  ['an expression with a space before it', { by: 'regex', text: ' /a' }],
  ['an expression with a space behind it', { by: 'regex', text: '/a ' }],
  ['a path with a space behind it', { by: 'exact', text: '/a ' }],
] as const)('%s cannot be said', (_, match) => {
  expect(formatPath(match)).toBeUndefined();
});

test('an expression of 255 characters can be said, and one of 256 cannot', () => {
  expect(formatPath({ by: 'regex', text: 'a'.repeat(255) })).toBeDefined();
  expect(formatPath({ by: 'regex', text: 'a'.repeat(256) })).toBeUndefined();
});

test.each([
  ['a host with a space', { by: 'exact', text: 'a b' }],
  ['a host with a space before it', { by: 'exact', text: ' a' }],
  ['a host with a space behind it', { by: 'exact', text: 'a ' }],
  ['an expression with a space before it', { by: 'regex', text: ' a' }],
  ['an expression with a space behind it', { by: 'regex', text: 'a ' }],
  ['no host', { by: 'exact', text: '' }],
  ['a wildcard without a star', { by: 'wildcard', text: 'shop.example' }],
  ['a star that is a part of a label', { by: 'wildcard', text: 'a*.shop.example' }],
  ['a star in the middle', { by: 'wildcard', text: 'www.*.example' }],
  ['a star alone', { by: 'wildcard', text: '*' }],
  ['a wildcard of two lines', { by: 'wildcard', text: '*.shop.example\nb.example' }],
  ['a host with a sign that expressions alone may have', { by: 'exact', text: 'a*b' }],
  ['a host of more than 255 characters', { by: 'exact', text: 'a'.repeat(250) }],
] as const)('%s cannot be said', (_, match) => {
  expect(formatHost(match)).toBeUndefined();
});
