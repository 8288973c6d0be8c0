import { Refusal } from '../../gateway/refusal.ts';
import type { UlbState } from '../state.ts';
import type { CertificateRecord } from './state.ts';

/** @fails Refusal 4210 */
export function certificateOf(id: string, { certificates }: UlbState): CertificateRecord {
  const certificate = certificates.find((one) => one.id === id);
  if (certificate === undefined) throw new Refusal(4210, `certificate ${id} does not exist`);
  return certificate;
}
