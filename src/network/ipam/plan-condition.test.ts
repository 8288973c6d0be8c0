import { expect, test } from 'vitest';
import type { Condition } from '#kube/api/condition.ts';
import type { PodRangeObject } from '#kube/api/pod-range.ts';
import type { NetworkReason } from '../reasons.ts';
import { planCondition } from './plan-condition.ts';
import type { CloudSeen, PodRangeStep } from './plan-range-steps.ts';

const full =
  'AllocateBatchSecondaryIp: quota: the account has 12 addresses [4207]; ask the provider to raise the quota';
const known = (): CloudSeen => ({
  state: 'known',
  homes: [],
  interfaces: [],
  unrecorded: [],
  missing: new Set(),
  lost: new Set(),
});
const range = (...conditions: readonly Condition[]): PodRangeObject => ({
  metadata: { name: 'web-1' },
  spec: { ground: 'cloud', addresses: [] },
  status: { conditions: [...conditions] },
});
const hold = (why: string, reason?: NetworkReason): PodRangeStep => ({
  do: 'hold',
  why,
  ...(reason !== undefined && { reason }),
});
const cloudNode = { ground: 'cloud', provider: 'ucloud', zone: 'z', id: 'uhost-1' } as const;
const siteNode = { ground: 'site', machine: 'base-1' } as const;
const refused = {
  type: 'Addresses',
  status: 'False',
  reason: 'CloudRefuses',
  message: `no more pod addresses for this node: ${full}`,
} as const;
const enough = {
  type: 'Addresses',
  status: 'True',
  reason: 'Enough',
  message: 'the node gets the addresses it needs',
} as const;
const published = (said: Omit<Condition, 'lastTransitionTime'>): Condition => ({
  ...said,
  lastTransitionTime: '2026-11-28T12:00:00Z',
});

test.each<readonly [string, Parameters<typeof planCondition>, ReturnType<typeof planCondition>]>([
  ['in band', [{ ground: cloudNode, range: range(), cloud: known() }, [hold('in band')]], enough],
  [
    'while addresses are on their way',
    [{ ground: cloudNode, range: range(), cloud: known() }, [{ do: 'extend', count: 3, why: 'below-low' }]],
    enough,
  ],
  [
    'the quota is reached',
    [{ ground: cloudNode, range: range(), cloud: known() }, [hold(full, 'CloudRefuses')]],
    refused,
  ],
  [
    'it is told once',
    [{ ground: cloudNode, range: range(published(refused)), cloud: known() }, [hold(full, 'CloudRefuses')]],
    undefined,
  ],
  [
    'another reason is told',
    [
      { ground: cloudNode, range: range(published(refused)), cloud: known() },
      [{ do: 'give-back', ips: [], why: 'node-says-free' }, hold('the range has 1024 addresses', 'RangeFull')],
    ],
    { ...refused, reason: 'RangeFull', message: 'no more pod addresses for this node: the range has 1024 addresses' },
  ],
  ['it is over', [{ ground: cloudNode, range: range(published(refused)), cloud: known() }, [hold('in band')]], enough],
  [
    'the same words of another kind are told',
    [{ ground: cloudNode, range: range(published({ ...enough, reason: 'Other' })), cloud: known() }, [hold('in band')]],
    enough,
  ],
  [
    'the same reason in other words is told',
    [
      { ground: cloudNode, range: range(published({ ...enough, message: 'others' })), cloud: known() },
      [hold('in band')],
    ],
    enough,
  ],
  [
    'another condition says nothing about this one',
    [
      { ground: cloudNode, range: range(published({ ...enough, type: 'PodNetwork' })), cloud: known() },
      [hold('in band')],
    ],
    enough,
  ],
  [
    'the machine is not ours',
    [
      { ground: cloudNode, range: range(), cloud: { state: 'not-ours', why: 'carries another mark' } },
      [hold('carries another mark', 'MachineUnclear')],
    ],
    { ...refused, reason: 'MachineUnclear', message: 'no more pod addresses for this node: carries another mark' },
  ],
  ['there is no range yet', [{ ground: cloudNode, range: undefined, cloud: known() }, [hold('in band')]], undefined],
  [
    'a site node has its subnet',
    [{ ground: siteNode, range: range(), cloud: undefined }, [hold('has its subnet')]],
    undefined,
  ],
  [
    'a request for more fails again and again',
    [
      {
        ground: cloudNode,
        range: range(),
        cloud: { ...known(), failing: 'throttled: 100 calls a minute' } as CloudSeen,
      },
      [{ do: 'extend', count: 3, why: 'pods-wait' }],
    ],
    { ...refused, reason: 'CloudFails', message: 'no more pod addresses for this node: throttled: 100 calls a minute' },
  ],
  [
    'an earlier failure is no fault while nothing more is needed',
    [
      { ground: cloudNode, range: range(), cloud: { ...known(), failing: 'throttled' } as CloudSeen },
      [hold('in band')],
    ],
    enough,
  ],
  [
    'the range of a site node whose label says cloud',
    [{ ground: siteNode, range: range(), cloud: undefined }, [hold('label and id differ', 'NodeUnclear')]],
    { ...refused, reason: 'NodeUnclear', message: 'no more pod addresses for this node: label and id differ' },
  ],
  [
    'that of a site node is clear again',
    [{ ground: siteNode, range: range(published(refused)), cloud: undefined }, [hold('has its subnet')]],
    enough,
  ],
  [
    'more is asked for a node of which the cloud is not asked',
    [
      { ground: siteNode, range: range(published(refused)), cloud: undefined },
      [{ do: 'extend', count: 3, why: 'pods-wait' }],
    ],
    enough,
  ],
  [
    'its range has no status yet',
    [
      { ground: cloudNode, range: { metadata: { name: 'web-1' }, spec: { ground: 'cloud' } }, cloud: known() },
      [hold('in band')],
    ],
    enough,
  ],
  [
    'its range has no condition yet',
    [
      {
        ground: cloudNode,
        range: { metadata: { name: 'web-1' }, spec: { ground: 'cloud' }, status: {} },
        cloud: known(),
      },
      [hold('in band')],
    ],
    enough,
  ],
  [
    'the node is gone, and left something published',
    [{ ground: undefined, range: range(published(refused)), cloud: undefined }, [{ do: 'drop', why: 'node-is-gone' }]],
    undefined,
  ],
  [
    'the node is gone',
    [{ ground: undefined, range: range(), cloud: undefined }, [{ do: 'drop', why: 'node-is-gone' }]],
    undefined,
  ],
])('what is published about the addresses of a node: %s', (_title, args, said) => {
  expect(planCondition(...args)).toEqual(said);
});
