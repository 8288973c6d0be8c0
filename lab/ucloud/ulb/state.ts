import type { ApplicationBalancerRecord, CertificateRecord } from './application/state.ts';
import type { ClassicBalancerRecord } from './classic/state.ts';
import type { BalancerRecord } from './network/state.ts';

/** Load balancers. */
export interface UlbState {
  readonly balancers: BalancerRecord[];
  readonly applicationBalancers: ApplicationBalancerRecord[];
  readonly certificates: CertificateRecord[];
  readonly classicBalancers: ClassicBalancerRecord[];
}
