import assert from 'node:assert/strict';
import { describe, test } from 'vitest';
import { account, openTestCloud, signedForm, wish } from '../test-cloud.ts';
import { type Received, signatureOf } from './signature.ts';

const describeCall = { Action: 'DescribeUHostInstance', Region: 'cn-bj2', PublicKey: account.publicKey };
const signed = (params: Record<string, Received>) => ({
  ...params,
  Signature: signatureOf(params, account.privateKey),
});
const json = (body: unknown): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

describe('the gateway', () => {
  const rows: readonly [string, RequestInit & { query?: string }, number | string][] = [
    ['a signed form', signedForm({ Action: 'DescribeUHostInstance', Region: 'cn-bj2' }), 0],
    ['a signed JSON body', json(signed({ ...describeCall, Limit: 10 })), 0],
    ['a JSON body with a nested list', json(signed({ ...describeCall, UHostIds: ['uhost-a', 'uhost-b'] })), 0],
    ['a JSON body with a flat list', json(signed({ ...describeCall, 'UHostIds.0': 'uhost-a' })), 0],
    [
      'a signed query',
      { query: `?${new URLSearchParams(signed(describeCall) as Record<string, string>).toString()}` },
      0,
    ],
    ['a back end that writes its code as text', signedForm({ ...secondaryQuery() }), '0'],
    ['no action', signedForm({ Region: 'cn-bj2' }), 160],
    ['an unknown action', signedForm({ Action: 'DescribeNothing' }), 161],
    ['an action named like a property of every object', signedForm({ Action: 'constructor' }), 161],
    ['no signature', json(describeCall), 170],
    ['a wrong signature', json({ ...describeCall, Signature: '0'.repeat(40) }), 171],
    ['a parameter changed after signing', json({ ...signed(describeCall), Limit: 1 }), 171],
    ['an unknown user', json({ ...signed(describeCall), PublicKey: 'nobody' }), 172],
    ['a temporary token that was never given', json(signed({ ...describeCall, SecurityToken: 't' })), 174],
    ['an unknown project', signedForm({ ...describeCall, ProjectId: 'org-none' }), 292],
    ['a zone of another region', signedForm({ ...describeCall, Zone: 'hk-02' }), 293],
    ['a region without anything', signedForm({ ...describeCall, Region: 'hk' }), 0],
    ['a region that there is not', signedForm({ ...describeCall, Region: 'moon-1' }), 230],
    ['an unknown parameter', signedForm({ ...describeCall, Colour: 'red' }), 230],
    ['a list where one value is due', signedForm({ ...describeCall, 'Tag.0': 'red' }), 230],
    ['a text where a number is due', signedForm({ ...describeCall, Limit: 'ten' }), 230],
    ['a page beyond the largest', signedForm({ ...describeCall, Limit: 101 }), 230],
    ['a missing parameter', signedForm({ Action: 'DescribeUHostInstance' }), 220],
  ];

  test.each(rows)('answers %s', async (_, init, code) => {
    const { send } = await openTestCloud();
    const response = await send(init);
    assert.equal(response.status, 200);
    assert.match(response.headers.get('x-ucloud-request-uuid') ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    const body = (await response.json()) as { RetCode: unknown; Message?: string };
    assert.equal(body.RetCode, code, body.Message);
    assert.equal('Message' in body, Number(code) !== 0);
  });

  test('names what is missing and what is not valid', async () => {
    const { call } = await openTestCloud();
    const lacking = await call('CreateUHostInstance', { ...wish, 'Disks.0.Size': '' });
    assert.deepEqual([lacking.RetCode, lacking.Message], [220, 'Missing params [Disks.0.Size]']);
    const wrong = await call('CreateUHostInstance', { ...wish, 'Disks.0.Colour': 'red' });
    assert.match(String(wrong.Message), /^Params \[Disks\.0\.Colour\] not available/);
  });

  test('answers what is no request with an HTTP status', async () => {
    const { send } = await openTestCloud();
    assert.equal((await send({ method: 'PUT', body: 'x' })).status, 405);
    const headers = { 'content-type': 'application/json' };
    assert.equal((await send({ method: 'POST', headers, body: '{' })).status, 400);
    assert.equal((await send({ method: 'POST', headers, body: '[]' })).status, 400);
    assert.equal((await send({ method: 'POST', body: 'x'.repeat(2 << 20) })).status, 413);
  });

  test('remembers calls without their parameters', async () => {
    const test1 = await openTestCloud();
    await test1.call('CreateUHostInstance', { ...wish, LoginMode: 'Password', Password: 'c2VjcmV0', ImageId: 'none' });
    const [call] = test1.cloud.calls();
    assert.equal(call?.action, 'CreateUHostInstance');
    assert.equal(call?.code, 8039);
    assert.doesNotMatch(JSON.stringify([test1.log, test1.cloud.calls()]), /c2VjcmV0|secret/);
  });

  function secondaryQuery() {
    return { Action: 'DescribeSecondaryIp', Region: 'cn-bj2', SubnetId: 'subnet-lab', VPCId: 'uvnet-lab' };
  }
});
