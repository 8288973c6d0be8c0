import { type Port, portOf } from '../../vpc/port.ts';
import type { Placed } from '../../vpc/state.ts';
import type { BackendRecord } from './state.ts';

/** Where in the VPC a target is; absent while its interface is in no machine. */
export function portOfTarget({ resource }: BackendRecord, state: Placed): Port | undefined {
  const port = portOf(resource, state);
  return port?.machine === undefined ? undefined : port;
}
