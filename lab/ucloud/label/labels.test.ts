import assert from 'node:assert/strict';
import { test } from 'vitest';
import { makeMachine, openTestCloud } from '../test-cloud.ts';

test('labels of a creation and a firewall of a creation are on the machine', async () => {
  const test1 = await openTestCloud();
  const firewall = await test1.call('CreateFirewall', { Name: 'edge', 'Rule.0': 'TCP|22|0.0.0.0/0|ACCEPT|HIGH|' });
  const params = { SecurityGroupId: firewall.FWId as string, 'Labels.0.Key': 'shop', 'Labels.0.Value': 'a' };
  const { id } = await makeMachine(test1, params);
  const labels = await test1.call('ListLabelsByResourceIds', { 'ResourceIds.0': id, Zone: '' });
  assert.deepEqual(labels.Labels, [{ ResourceId: id, Key: 'shop', Value: 'a', Category: 'custom' }]);
  const [seen] = (await test1.call('DescribeFirewall', { ResourceId: id })).DataSet as readonly { FWId: string }[];
  assert.equal(seen?.FWId, firewall.FWId);
});
