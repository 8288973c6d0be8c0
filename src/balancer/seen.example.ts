import type { SeenBalancer } from '#cloud/balancer.ts';
import type { PublicAddress } from '#cloud/public-address.ts';
import { ip } from '#unit/ip.ts';
import type { Asked } from './asked.ts';

/** A public balancer of the account's own, paid by the hour. */
export const askedExample: Asked = {
  use: undefined,
  isPublic: true,
  subnet: 'subnet-1',
  charge: 'hour',
  quantity: 1,
  address: { bandwidth: 2, charge: 'hour', quantity: 1, pays: 'bandwidth', operator: undefined },
};

/** It, as the cloud shows it, and its address. */
export const balancerExample: Omit<SeenBalancer<never>, 'listeners'> = {
  id: 'alb-1',
  name: 'shop',
  mark: 'shop',
  owner: 'u-1',
  createdAt: 1,
  vpc: 'vpc-1',
  subnet: 'subnet-1',
  address: ip('10.9.0.9'),
  charge: 'hour',
};

export const addressExample: PublicAddress = {
  id: 'eip-1',
  ip: ip('106.75.0.9'),
  mark: 'shop',
  owner: 'u-1',
  createdAt: 1,
  bandwidth: 2,
  boundTo: 'alb-1',
};
