import { expect, test } from 'vitest';
import { ip } from '#unit/ip.ts';
import { addResult, formatAnswer } from './answer.ts';
import { parseCniRequest } from './request.ts';

const env = { CNI_COMMAND: 'ADD', CNI_CONTAINERID: 'abc', CNI_NETNS: '/var/run/netns/cni-1', CNI_IFNAME: 'eth0' };
const carried = (change: object = {}, config: object = {}): string =>
  JSON.stringify({ env: { ...env, ...change }, stdin: JSON.stringify({ cniVersion: '1.0.0', ...config }) });

const understood: readonly (readonly [string, string, object])[] = [
  [
    'an ADD, its namespace under the name that the agent has for it',
    carried(),
    { verb: 'ADD', version: '1.0.0', container: 'abc', ifname: 'eth0', netns: '/run/netns/cni-1' },
  ],
  [
    'a DEL without a namespace, as after a reboot',
    carried({ CNI_COMMAND: 'DEL', CNI_NETNS: '' }),
    { verb: 'DEL', version: '1.0.0', container: 'abc', ifname: 'eth0' },
  ],
  [
    'a CHECK with the result of the whole chain',
    carried({ CNI_COMMAND: 'CHECK' }, { prevResult: {} }),
    { verb: 'CHECK', version: '1.0.0', container: 'abc', ifname: 'eth0', netns: '/run/netns/cni-1' },
  ],
  [
    'a GC by the key of the specification, whatever else is sent',
    carried(
      { CNI_COMMAND: 'GC' },
      {
        cniVersion: '1.1.0',
        'cni.dev/valid-attachments': [{ containerID: 'abc', ifname: 'eth0' }],
        'cni.dev/attachments': [],
      },
    ),
    { verb: 'GC', version: '1.1.0', valid: [{ container: 'abc', ifname: 'eth0' }] },
  ],
  ['a STATUS without any container', carried({ CNI_COMMAND: 'STATUS' }), { verb: 'STATUS', version: '1.0.0' }],
];

test.each(understood)('understands %s', (_title, text, request) => {
  expect(parseCniRequest(text)).toEqual({ ok: true, value: request });
});

const refused: readonly (readonly [string, string, number, RegExp])[] = [
  ['what is no request', 'rubbish', 6, /reading the request/],
  ['a configuration that is no JSON', JSON.stringify({ env, stdin: '{' }), 6, /reading the network configuration/],
  ['a version that it does not speak', carried({}, { cniVersion: '2.0.0' }), 1, /2\.0\.0 is not supported/],
  ['a verb that it does not know', carried({ CNI_COMMAND: 'MOVE' }), 4, /CNI_COMMAND is "MOVE"/],
  [
    'all bad variables at once',
    carried({ CNI_CONTAINERID: '../x', CNI_IFNAME: 'far-too-long-a-name', CNI_NETNS: '' }),
    4,
    /CNI_CONTAINERID, CNI_IFNAME, CNI_NETNS/,
  ],
  ['an interface name that the kernel would refuse', carried({ CNI_IFNAME: 'a/b' }), 4, /CNI_IFNAME/],
  ['a chain in which another plugin comes first', carried({}, { prevResult: {} }), 7, /must be the first/],
];

test('a GC without its list is refused: it would mean that no pod is valid', () => {
  const carried = (config: object): string =>
    JSON.stringify({ env: { CNI_COMMAND: 'GC' }, stdin: JSON.stringify({ cniVersion: '1.1.0', ...config }) });
  const without = parseCniRequest(carried({}));
  expect(without.ok ? without.value : without.failure).toMatchObject({ code: 7 });
  const listed = parseCniRequest(carried({ 'cni.dev/valid-attachments': [] }));
  expect(listed.ok ? listed.value : listed.failure).toEqual({ verb: 'GC', version: '1.1.0', valid: [] });
  expect(parseCniRequest(carried({ 'cni.dev/valid-attachments': null })).ok).toBe(false);
});

test.each(refused)('refuses %s', (_title, text, code, msg) => {
  const request = parseCniRequest(text);
  expect(request.ok ? request.value : [request.failure.code, request.failure.msg]).toEqual([
    code,
    expect.stringMatching(msg),
  ]);
});

const made = {
  hostName: 'ist0123456789ab',
  hostMac: 'ee:ee:ee:ee:ee:ee',
  podName: 'eth0',
  podMac: '0a:58:ac:10:03:01',
  netns: '/run/netns/cni-1',
  mtu: 1400,
  ip: ip('172.16.3.1'),
  gateway: ip('169.254.1.1'),
};

test('each version of the specification gets the form that it knows', () => {
  const ips = { address: '172.16.3.1/32', gateway: '169.254.1.1', interface: 1 };
  expect(addResult('0.4.0', made)).toMatchObject({ cniVersion: '0.4.0', ips: [{ version: '4', ...ips }] });
  expect(addResult('1.0.0', made)).toMatchObject({ cniVersion: '1.0.0', ips: [ips] });
  expect(JSON.stringify(addResult('1.0.0', made))).not.toMatch(/"version"|"mtu"/);
  expect(addResult('1.1.0', made)).toMatchObject({ interfaces: [{ mtu: 1400 }, { mtu: 1400 }] });
});

test('an answer is one exit code and one line', () => {
  expect(formatAnswer({ done: undefined })).toBe('0\n\n');
  expect(formatAnswer({ done: { a: 'line\nbreak' } })).toBe('0\n{"a":"line\\nbreak"}\n');
  expect(formatAnswer({ fault: { version: '1.0.0', code: 11, msg: 'later' } })).toBe(
    '1\n{"cniVersion":"1.0.0","code":11,"msg":"later"}\n',
  );
});
