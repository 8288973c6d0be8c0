import type { Charge } from '#cloud/owned.ts';
import type { PublicAddressWish } from '#cloud/public-address.ts';

/** What is asked of a balancer as a whole. */
export interface Asked {
  /** The id of a balancer of somebody else that is to be used; `undefined` when one is to be made. */
  readonly use: string | undefined;
  readonly isPublic: boolean;
  readonly subnet: string;
  readonly charge: Charge;
  readonly quantity: number;
  readonly address: Pick<PublicAddressWish, 'bandwidth' | 'charge' | 'quantity' | 'pays' | 'operator'>;
}

type AskedKey =
  | 'id'
  | 'access'
  | 'subnet'
  | 'charge'
  | 'quantity'
  | 'bandwidth'
  | 'pays'
  | 'sharedBandwidth'
  | 'addressCharge'
  | 'addressQuantity'
  | 'operator';

/** As annotations say it. @unit subnet: of those that name none */
export function askedOf(values: Readonly<Record<AskedKey, string | undefined>>, subnet: string): Asked {
  return {
    use: values.id,
    isPublic: values.access === 'public',
    subnet: values.subnet ?? subnet,
    charge: values.charge as Charge,
    quantity: Number(values.quantity),
    address: {
      bandwidth: Number(values.bandwidth),
      charge: values.addressCharge as Charge,
      quantity: Number(values.addressQuantity),
      pays:
        values.pays === 'shared' ? { shared: values.sharedBandwidth ?? '' } : (values.pays as 'bandwidth' | 'traffic'),
      operator: values.operator,
    },
  };
}
