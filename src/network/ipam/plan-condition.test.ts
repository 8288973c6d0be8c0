import { expect, test } from 'vitest';
import type { Condition } from '#kube/api/condition.ts';
import type { PodRangeObject } from '#kube/api/pod-range.ts';
import { planCondition } from './plan-condition.ts';
import type { CloudSeen, PodRangeStep } from './plan-pod-ranges.ts';

const full =
  'AllocateBatchSecondaryIp: quota: the account has 12 addresses [4207]; ask the provider to raise the quota';
const known = (refused?: string): CloudSeen => ({
  state: 'known',
  unrecorded: [],
  missing: new Set(),
  lost: new Set(),
  refused,
});
const range = (...conditions: readonly Condition[]): PodRangeObject => ({
  metadata: { name: 'web-1' },
  spec: { ground: 'cloud', addresses: [] },
  status: { conditions: [...conditions] },
});
const hold = (why: string): PodRangeStep => ({ do: 'hold', why });
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
  ['in band', [{ range: range(), cloud: known() }, [hold('in band')]], enough],
  [
    'while addresses are on their way',
    [{ range: range(), cloud: known() }, [{ do: 'extend', count: 3, why: 'below-low' }]],
    enough,
  ],
  ['the quota is reached', [{ range: range(), cloud: known(full) }, [hold(full)]], refused],
  ['it is told once', [{ range: range(published(refused)), cloud: known(full) }, [hold(full)]], undefined],
  [
    'another reason is told',
    [
      { range: range(published(refused)), cloud: known() },
      [{ do: 'give-back', ips: [], why: 'node-says-free' }, hold('the range has 1024 addresses')],
    ],
    { ...refused, reason: 'RangeFull', message: 'no more pod addresses for this node: the range has 1024 addresses' },
  ],
  ['it is over', [{ range: range(published(refused)), cloud: known() }, [hold('in band')]], enough],
  [
    'the same words of another kind are told',
    [{ range: range(published({ ...enough, reason: 'Other' })), cloud: known() }, [hold('in band')]],
    enough,
  ],
  [
    'the same reason in other words is told',
    [{ range: range(published({ ...enough, message: 'others' })), cloud: known() }, [hold('in band')]],
    enough,
  ],
  [
    'another condition says nothing about this one',
    [{ range: range(published({ ...enough, type: 'PodNetwork' })), cloud: known() }, [hold('in band')]],
    enough,
  ],
  [
    'the machine is not ours',
    [{ range: range(), cloud: { state: 'not-ours', why: 'carries another mark' } }, [hold('carries another mark')]],
    { ...refused, reason: 'MachineUnclear', message: 'no more pod addresses for this node: carries another mark' },
  ],
  ['there is no range yet', [{ range: undefined, cloud: known() }, [hold('in band')]], undefined],
  ['a site node is none of the cloud', [{ range: range(), cloud: undefined }, [hold('has its subnet')]], undefined],
])('what is published about the addresses of a node: %s', (_title, args, said) => {
  expect(planCondition(...args)).toEqual(said);
});
