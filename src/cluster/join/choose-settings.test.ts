import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { chooseSettings, type MachineSettings } from './choose-settings.ts';
import { usualMachine } from './machine-facts.example.ts';
import type { MachineFacts } from './machine-facts.ts';

const usual: MachineSettings = {
  cgroupDriver: 'systemd',
  failCgroupV1: true,
  restrictOomScoreAdj: false,
  snapshotter: 'overlayfs',
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '10%',
    'nodefs.inodesFree': '5%',
    'imagefs.available': '15%',
  },
  imageGcHighPercent: 85,
  conntrackMax: 131_072,
  ignoredPreflight: [],
  resolvConf: '/etc/resolv.conf',
  why: [],
};
const tight = {
  evictionHard: {
    'memory.available': '100Mi',
    'nodefs.available': '256Mi',
    'nodefs.inodesFree': '1%',
    'imagefs.available': '256Mi',
  },
  imageGcHighPercent: 100,
};

const rows: readonly [string, Partial<MachineFacts>, Partial<MachineSettings>][] = [
  ['a usual machine gets the usual settings', {}, {}],
  [
    "behind systemd-resolved's stub pods get the servers that it asks",
    {
      resolvers: [
        { path: '/etc/resolv.conf', nameservers: ['127.0.0.53'] },
        { path: '/run/systemd/resolve/resolv.conf', nameservers: ['10.0.0.53'] },
      ],
    },
    {
      resolvConf: '/run/systemd/resolve/resolv.conf',
      why: ['/etc/resolv.conf names a local cache: pods get /run/systemd/resolve/resolv.conf'],
    },
  ],
  ['many processors get a larger connection table', { cpu: 16 }, { conntrackMax: 524_288 }],
  [
    'cgroup v1 is met by its driver, and kubelet and kubeadm are told',
    { cgroup: 'v1' },
    {
      cgroupDriver: 'cgroupfs',
      failCgroupV1: false,
      ignoredPreflight: ['SystemVerification'],
      why: ['cgroup v1: cgroupfs driver, kubelet is told to accept it, kubeadm to pass over SystemVerification'],
    },
  ],
  [
    'without CAP_SYS_RESOURCE containerd keeps to the scores it may set',
    { mayLowerOomScore: false },
    {
      restrictOomScoreAdj: true,
      why: ['no CAP_SYS_RESOURCE: containerd keeps oom_score_adj within what it may set'],
    },
  ],
  [
    'a connection table that may not be set is left alone',
    { conntrackMax: 'read-only' },
    { conntrackMax: undefined, why: ['nf_conntrack_max is read-only here: the kernel keeps its value'] },
  ],
  [
    'containerd on an overlay unpacks without overlays',
    { containerdOnOverlay: true },
    {
      snapshotter: 'native',
      why: ['/var/lib/containerd lies on an overlay: images are unpacked without overlays'],
    },
  ],
  [
    'a small disk evicts by amount',
    { disk: { size: gibi(10), free: gibi(9) } },
    { ...tight, why: ['the disk has 10Gi: eviction begins at 256Mi free instead of at a percentage'] },
  ],
  ['a disk of 20Gi is not small', { disk: { size: gibi(20), free: gibi(19) } }, {}],
  ['a disk of which 30 % are free is not full', { disk: { size: gibi(200), free: gibi(60) } }, {}],
  [
    'a disk that others fill evicts by amount',
    { disk: { size: gibi(200), free: gibi(40) } },
    {
      ...tight,
      why: [
        'the disk of 200Gi is 80 % full before the first pod: eviction begins at 256Mi free instead of at a percentage',
      ],
    },
  ],
];

test.each(rows)('%s', (_title, change, settings) => {
  expect(chooseSettings({ ...usualMachine, ...change })).toEqual({ ...usual, ...settings });
});
