import type { AddressHome } from '../address.ts';
import type { Params } from './wire/sign.ts';

/** What UCloud's calls name of an interface. */
export interface Place {
  readonly zone: string;
  readonly vpc: string;
  readonly subnet: string;
  /** The interface's id on machines with elastic interfaces, else the machine's. */
  readonly object: string;
  readonly mac: string;
}

interface UcloudHome extends AddressHome, Place {}

export function makeHome(place: Place): AddressHome {
  return { id: place.object, ...place } as UcloudHome;
}

/** What was put into it. */
export function placeOf(home: AddressHome): Place {
  return home as UcloudHome;
}

/** What every call names that changes the addresses of an interface. @source UCloud API reference: all of it is checked together */
export function homeParams(home: AddressHome): Params {
  const { zone, vpc, subnet, object, mac } = placeOf(home);
  return { Zone: zone, VPCId: vpc, SubnetId: subnet, ObjectId: object, Mac: mac };
}
