import assert from 'node:assert/strict';
import { test } from 'vitest';
import { signatureOf } from '../gateway/signature.ts';
import { account, openTestCloud, type TestCloud } from '../test-cloud.ts';

test('temporary keys end with their time', async () => {
  const test1 = await openTestCloud();
  const role = { RoleUrn: 'ucs:iam::company:role/reader', RoleSessionName: 'test' };
  // It takes place nowhere: an empty Zone is as good as none.
  const { Credentials } = await test1.call('AssumeRole', { ...role, DurationSeconds: 900, Zone: '' });
  const given = Credentials as Readonly<Record<'AccessKeyId' | 'AccessKeySecret' | 'SecurityToken', string>>;
  const params = {
    Action: 'DescribeVPC',
    Region: account.region,
    ProjectId: account.project.id,
    PublicKey: given.AccessKeyId,
    SecurityToken: given.SecurityToken,
  };
  const asGuest = async ({ send }: TestCloud) => {
    const response = await send({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ ...params, Signature: signatureOf(params, given.AccessKeySecret) }),
    });
    return ((await response.json()) as { RetCode: number }).RetCode;
  };
  assert.equal(await asGuest(test1), 0);
  const { sessions, ...rest } = test1.cloud.snapshot();
  const later = await openTestCloud({
    restore: { ...rest, sessions: sessions.map((one) => ({ ...one, expiresAt: 1 })) },
  });
  assert.equal(await asGuest(later), 174);
});
