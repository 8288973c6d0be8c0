import { expect, test } from 'vitest';
import type { Cloud } from '#cloud/cloud.ts';
import type { CloudResult } from '#cloud/failure.ts';
import { fail, ok } from '#unit/result.ts';
import type { Session } from '../session.ts';
import { exposedOf } from './exposed.ts';

const raw = { action: 'DescribeSSLV2', code: '299', message: 'not allowed' };
const denied = async (): Promise<CloudResult<never>> => fail({ kind: 'denied', raw });
const listing = (id: string) => async () => ok([{ id }]);

function sessionWith(cloud: object): { readonly session: Session; readonly said: readonly string[] } {
  const said: string[] = [];
  const session = {
    config: { name: 'shop' },
    cloud: cloud as Cloud,
    report: { say: (text: string) => said.push(text) },
  };
  return { session: session as unknown as Session, said };
}

const cloud = {
  publicAddresses: { list: listing('eip-1') },
  balancers: { list: listing('nlb-1') },
  directBalancers: { list: listing('ulb-1') },
  applicationBalancers: { list: listing('alb-1') },
  certificates: { list: listing('ssl-1') },
};

test('addresses go before what they are bound to, and certificates after what uses them', async () => {
  const { session, said } = sessionWith(cloud);
  expect((await exposedOf(session)).map(({ id }) => id)).toEqual(['eip-1', 'nlb-1', 'ulb-1', 'alb-1', 'ssl-1']);
  expect(said).toEqual([]);
});

test('keys that may not see some of it are told once, and the rest goes', async () => {
  const { session, said } = sessionWith({
    ...cloud,
    applicationBalancers: { list: denied },
    certificates: { list: denied },
  });
  expect((await exposedOf(session)).map(({ id }) => id)).toEqual(['eip-1', 'nlb-1', 'ulb-1']);
  expect(said).toEqual([
    'cannot check whether load balancers of Services are left in the cloud: DescribeSSLV2: denied: not allowed [299]',
  ]);
});
