import type { IncomingHttpHeaders } from 'node:http';
import { expect, test } from 'vitest';
import { webAnswers } from '../../ucloud/ulb/application/world.example.ts';
import type { WorldApplicationListener, WorldRule } from '../../ucloud/ulb/application/world.ts';
import { type AnswerPlan, planAnswer } from './plan-answer.ts';

const cors = {
  type: 'Cors',
  order: 2,
  origins: ['https://shop.test', 'https://*.shop.test:8443'],
  methods: ['GET', 'PUT'],
  headers: ['X-Id'],
  exposed: ['X-Total'],
  credentials: true,
  maxAge: 60,
} as const;
const [forward] = webAnswers.rules as readonly [WorldRule];
const targets = forward.last.type === 'Forward' ? forward.last.targets : [];
const rule = (change: Partial<WorldRule>): Partial<WorldApplicationListener> => ({
  rules: [{ ...forward, ...change }],
});
const fixed: Partial<WorldApplicationListener> = rule({ last: { type: 'FixedResponse', code: 418, content: 'short' } });
const text = { 'content-type': 'text/plain' };
const admitted = {
  'access-control-allow-origin': 'https://a.shop.test:8443',
  'access-control-allow-credentials': 'true',
  vary: 'origin',
};
const origin = { origin: 'https://a.shop.test:8443' };

type Row = [string, Partial<WorldApplicationListener>, string, IncomingHttpHeaders, AnswerPlan];
const rows: readonly Row[] = [
  [
    'is sent on to another port, with its path',
    { redirectTo: 443 },
    'GET /a?b=c',
    { host: 'shop.test:80' },
    { do: 'answer', code: 301, content: '', headers: { location: 'https://shop.test/a?b=c' } },
  ],
  [
    'is told the port where that is not the usual one',
    { redirectTo: 8443 },
    'GET /',
    { host: 'shop.test' },
    { do: 'answer', code: 301, content: '', headers: { location: 'https://shop.test:8443/' } },
  ],
  [
    'to an IPv6 address is sent on to it',
    { redirectTo: 443 },
    'GET /',
    { host: '[2001:db8::1]' },
    { do: 'answer', code: 301, content: '', headers: { location: 'https://[2001:db8::1]/' } },
  ],
  ['is answered by the balancer', fixed, 'GET /', {}, { do: 'answer', code: 418, content: 'short', headers: text }],
  [
    'whose path no target could be asked for is refused',
    {},
    'GET /a\tb',
    {},
    { do: 'answer', code: 400, content: 'a path with a blank or a control character', headers: text },
  ],
  [
    'finds nobody where no target is healthy',
    rule({ last: { type: 'Forward', targets: [] } }),
    'GET /',
    {},
    { do: 'answer', code: 502, content: 'no healthy target', headers: text },
  ],
  [
    'finds nothing where its host has no such path',
    { rules: [{ ...forward, host: { mode: 'Regular', value: 'shop' }, path: '/api$' }, forward] },
    'GET /web?x=/api',
    { ':authority': 'shop.test' },
    { do: 'answer', code: 404, content: 'no rule for this path', headers: text },
  ],
  [
    'goes by its path, whatever it asks of it',
    rule({ path: '^/web$' }),
    'GET /web?x=/api',
    { host: 'shop.test' },
    { do: 'forward', rule: { ...forward, path: '^/web$' }, targets, headers: {} },
  ],
  [
    'that names no host is for no rule of a host',
    { rules: [{ ...forward, id: 'rule-named', host: { mode: 'Regular', value: '.' } }, forward] },
    'GET /',
    {},
    { do: 'forward', rule: forward, targets, headers: {} },
  ],
  [
    'of another page to a rule that admits none gets no word of it',
    {},
    'GET /',
    origin,
    { do: 'forward', rule: forward, targets, headers: {} },
  ],
  [
    'goes to the targets of its rule, and may be read by the page that asks',
    rule({ headers: [{ type: 'RemoveHeader', order: 1, key: 'X-Id' }, cors] }),
    'GET /',
    origin,
    {
      do: 'forward',
      rule: { ...forward, headers: [{ type: 'RemoveHeader', order: 1, key: 'X-Id' }, cors] },
      targets,
      headers: { ...admitted, 'access-control-expose-headers': 'X-Total' },
    },
  ],
  [
    'that only asks whether another may come is answered by the balancer',
    rule({ headers: [cors] }),
    'OPTIONS /',
    { ...origin, 'access-control-request-method': 'PUT' },
    {
      do: 'answer',
      code: 204,
      content: '',
      headers: {
        ...admitted,
        'access-control-allow-methods': 'GET, PUT',
        'access-control-allow-headers': 'X-Id',
        'access-control-max-age': '60',
      },
    },
  ],
  [
    'of a page of two levels below is not admitted',
    rule({ headers: [cors] }),
    'OPTIONS /',
    { origin: 'https://a.b.shop.test:8443', 'access-control-request-method': 'PUT' },
    { do: 'answer', code: 204, content: '', headers: { vary: 'origin' } },
  ],
  [
    'of any page is admitted by a star where no credentials come with it',
    rule({ ...fixed.rules?.[0], headers: [{ ...cors, origins: ['*'], credentials: false, exposed: [] }] }),
    'GET /',
    origin,
    { do: 'answer', code: 418, content: 'short', headers: { ...text, 'access-control-allow-origin': '*' } },
  ],
];
test.each(rows)('a request %s', (_, change, asked, headers, plan) => {
  const [method = '', url = ''] = asked.split(' ');
  expect(planAnswer({ ...webAnswers, ...change }, { method, url, headers })).toEqual(plan);
});
