import { expect, test } from 'vitest';
import { cidr, ip } from '#unit/ip.ts';
import { planNeighbours } from './plan-neighbours.ts';
import type { SiteRoute } from './plan-routes.ts';

const route = (destination: string, via: string): SiteRoute => ({ destination: cidr(destination), via: ip(via) });
const uplink = { address: ip('192.168.50.13'), network: cidr('192.168.50.0/24') };

test('pods of a machine on the same network are reached without the gateway, those of others through it', () => {
  const neighbour = route('172.16.1.0/24', '192.168.50.14');
  const own = route('172.16.0.0/24', '192.168.50.13');
  const elsewhere = route('172.16.2.0/24', '192.168.51.15');
  expect(planNeighbours([own, neighbour, elsewhere], uplink)).toEqual([neighbour]);
});

test('a node that calls itself by an address beyond the network gets no route', () => {
  expect(planNeighbours([route('172.16.1.0/24', '192.168.51.0')], uplink)).toEqual([]);
});
