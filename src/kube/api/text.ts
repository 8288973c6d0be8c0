import * as z from 'zod';
import { parseCidr, parseIp, parseSpan } from '#unit/ip.ts';

/** An IPv4 address as a field of ours: checked by us when we read it and by the API server when anybody writes it. */
export const ipText = z
  .string()
  .max(15)
  .refine((text) => parseIp(text) !== undefined, 'is no IPv4 address, write 10.9.0.12')
  .meta({
    'x-kubernetes-validations': [
      { rule: 'isIP(self) && ip(self).family() == 4', message: 'is no IPv4 address, write 10.9.0.12' },
    ],
  });

/** A range of IPv4 addresses as a field of ours, with no host bits set. */
export const cidrText = z
  .string()
  .max(18)
  .refine((text) => parseCidr(text) !== undefined, 'is no IPv4 range, write 172.16.3.0/24')
  .meta({
    'x-kubernetes-validations': [
      {
        rule: 'isCIDR(self) && cidr(self).ip().family() == 4 && cidr(self) == cidr(self).masked()',
        message: 'is no IPv4 range, write 172.16.3.0/24',
      },
    ],
  });

/** Addresses from one to another as a field of ours. */
export const spanText = z
  .string()
  .max(31)
  .refine((text) => parseSpan(text) !== undefined, 'is no range of addresses, write 192.168.50.128-192.168.50.250')
  .meta({
    'x-kubernetes-validations': [
      {
        rule: "self.split('-').size() == 2 && self.split('-').all(part, isIP(part) && ip(part).family() == 4)",
        message: 'is no range of addresses, write 192.168.50.128-192.168.50.250',
      },
    ],
  });

/** A MAC address as a field of ours, in small letters. */
export const macText = z
  .string()
  .max(17)
  .regex(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/);
