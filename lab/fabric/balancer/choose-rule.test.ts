import { describe, expect, test } from 'vitest';
import type { HostCondition } from '../../ucloud/ulb/application/state.ts';
import type { WorldRule } from '../../ucloud/ulb/application/world.ts';
import { chooseRule, matchesHost } from './choose-rule.ts';

const shop: HostCondition = { mode: 'Regular', value: '^shop[.]test$' };
const wide: HostCondition = { mode: 'Wildcard', value: '*.test' };

function rule(id: string, host?: HostCondition, path?: string): WorldRule {
  return { id, host, path, headers: [], last: { type: 'Forward', targets: [] } };
}

describe('of the rules of a listener', () => {
  const all = [rule('late', wide), rule('api', shop, '^/api(/.*)?$'), rule('img', undefined, '[.]jpg$'), rule('rest')];
  const rows: readonly [string, readonly WorldRule[], string, string, string | undefined][] = [
    ['the first that matches counts', all, 'www.test', '/', 'late'],
    ['one of host and path wants both', all.slice(1), 'shop.test', '/api/v1', 'api'],
    ['a path counts for every host', all.slice(1), 'other', '/a.jpg', 'img'],
    ['a path of one host counts for no other', all.slice(1), 'other', '/api/v1', 'rest'],
    ['the last takes what none takes', all.slice(1), 'other', '/', 'rest'],
    ['a host whose path is not there has nothing', all.slice(1), 'shop.test', '/img.jpg', undefined],
    [
      'those of one host are taken together, where the first of them is',
      [rule('web', shop, '^/web'), rule('path', undefined, '^/api'), rule('api', shop, '^/api'), rule('rest')],
      'shop.test',
      '/api',
      'api',
    ],
    [
      'a path without a host that was made later goes before',
      [rule('path', undefined, '^/api'), rule('web', shop, '^/web'), rule('rest')],
      'shop.test',
      '/api',
      'path',
    ],
  ];
  test.each(rows)('%s', (_, rules, host, path, id) => {
    expect(chooseRule(rules, { host, path })?.id).toBe(id);
  });
});

describe('a host condition', () => {
  const rows: readonly [string, HostCondition, string, boolean][] = [
    ['is a pattern', { mode: 'Regular', value: 'www.[123].demo.com' }, 'www.2.demo.com', true],
    ['that wants what it says', { mode: 'Regular', value: 'www.[123].demo.com' }, 'www.4.demo.com', false],
    ['that matches anywhere', { mode: 'Regular', value: 'demo' }, 'a.demo.com', true],
    ['in capitals too', { mode: 'Regular', value: '^shop[.]test$' }, 'SHOP.test', true],
    ['in capitals itself', { mode: 'Regular', value: '^Shop[.]test$' }, 'shop.test', true],
    ['of names in capitals', { mode: 'Wildcard', value: '*.Demo.com' }, 'a.demo.com', true],
    ['without regard to the port', { mode: 'Regular', value: '^shop[.]test$' }, 'shop.test:8080', true],
    ['of which an IPv6 address has none', { mode: 'Regular', value: '^.2001.db8..1.$' }, '[2001:db8::1]', true],
    ['unless it has one', { mode: 'Regular', value: '^shop[.]test:8080$' }, 'shop.test:8080', true],
    ['and then wants it', { mode: 'Regular', value: '^shop[.]test:8080$' }, 'shop.test', false],
    ['with a star stands for names before', { mode: 'Wildcard', value: '*.demo.com' }, 'a.b.demo.com', true],
    ['of which there is one at the least', { mode: 'Wildcard', value: '*.demo.com' }, 'demo.com', false],
    ['with a dot for none, too', { mode: 'Wildcard', value: '.demo.com' }, 'demo.com', true],
    ['and for names before', { mode: 'Wildcard', value: '.demo.com' }, 'a.demo.com', true],
    ['and for whole names', { mode: 'Wildcard', value: '.demo.com' }, 'mydemo.com', false],
    ['with a star for names after', { mode: 'Wildcard', value: 'www.demo.*' }, 'www.demo.cn', true],
    ['with a dot after', { mode: 'Wildcard', value: 'www.demo.' }, 'www.demo.co.uk', true],
    ['and not for others', { mode: 'Wildcard', value: 'www.demo.*' }, 'www.demon.cn', false],
  ];
  test.each(rows)('%s', (_, condition, host, matches) => {
    expect(matchesHost(condition, host)).toBe(matches);
  });
});
