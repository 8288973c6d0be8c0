import { expect, test } from 'vitest';
import { mountOptions } from './mount-options.ts';

test.each([
  ['none', [], 'nolock,nfsvers=4.0,hard,timeo=600,retrans=2,noresvport'],
  ['one that is not ours', ['noatime'], 'nolock,nfsvers=4.0,hard,timeo=600,retrans=2,noresvport,noatime'],
  ['the same with another value', ['timeo=50'], 'nolock,nfsvers=4.0,hard,retrans=2,noresvport,timeo=50'],
  ['another name for the version', ['vers=4.1'], 'nolock,hard,timeo=600,retrans=2,noresvport,vers=4.1'],
  ['the opposite', ['soft', 'resvport', 'lock'], 'nfsvers=4.0,timeo=600,retrans=2,soft,resvport,lock'],
])('options asked for: %s', (_, asked, options) => {
  expect(mountOptions(asked).join(',')).toBe(options);
});
