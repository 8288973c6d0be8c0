import { gibi } from '#unit/bytes.ts';
import { ms } from '#unit/clock.ts';
import type { MachineFacts } from './machine-facts.ts';

/** A machine with nothing odd about it, for the tables of tests. */
export const usualMachine: MachineFacts = {
  root: true,
  architecture: 'x64',
  kernel: '6.1.0-31-amd64',
  cpu: 4,
  memory: gibi(8),
  disk: { size: gibi(100), free: gibi(80) },
  swapOn: false,
  cgroup: 'v2',
  systemd: true,
  mayLowerOomScore: true,
  conntrackMax: 'writable',
  overlayFilesystem: true,
  containerdOnOverlay: false,
  nftables: true,
  inotifyInstances: 1024,
  missingCommands: [],
  takenPorts: [],
  bundleFault: undefined,
  clockAhead: ms(40),
  apiFault: undefined,
  joined: false,
  memberOf: undefined,
  resolvers: [{ path: '/etc/resolv.conf', nameservers: ['10.0.0.53'] }],
  cniFiles: [],
  surroundings: {
    proxyFiles: [],
    defaultRoute: true,
    forwardingFiles: [],
    closedChains: [],
    legacyForwardDrops: false,
  },
};
