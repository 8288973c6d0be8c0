import type { AddressHome } from '../address.ts';
import type { Params } from './wire/sign.ts';

/** What every call names that changes the addresses of an interface. @source UCloud API reference: all of it is checked together */
export function homeParams({ zone, vpc, subnet, object, mac }: AddressHome): Params {
  return { Zone: zone, VPCId: vpc, SubnetId: subnet, ObjectId: object, Mac: mac };
}
