import { expect, test } from 'vitest';
import { chooseResolver, namesLoopbackAlone, type Resolver } from './choose-resolver.ts';

const usual = '/etc/resolv.conf';
const real = '/run/systemd/resolve/resolv.conf';
const files = (own: readonly string[], behind?: readonly string[]): readonly Resolver[] => [
  { path: usual, nameservers: own },
  ...(behind === undefined ? [] : [{ path: real, nameservers: behind }]),
];

test.each<[string, readonly Resolver[], string | undefined, boolean]>([
  ['a name server of the network', files(['10.0.0.53']), usual, false],
  ["systemd-resolved's stub: the servers behind it", files(['127.0.0.53'], ['10.0.0.53']), real, false],
  ['a local cache alone, on which CoreDNS would ask itself', files(['127.0.0.1']), undefined, true],
  ['a local cache over IPv6 alone', files(['::1']), undefined, true],
  ['a local cache among others', files(['10.0.0.53', '127.0.0.1']), undefined, true],
  ['a stub with nothing behind it', files(['127.0.0.53'], []), undefined, true],
  ['no name server at all', files([]), undefined, false],
])('%s', (_title, resolvers, path, loopbackAlone) => {
  expect(chooseResolver(resolvers)).toBe(path);
  expect(namesLoopbackAlone(resolvers)).toBe(loopbackAlone);
});
