import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import type { Named } from '#capability/named.ts';
import { podBindings, podPolicy, volumes } from './pod-policy.ts';

const name = 'isthmus-volumes-apart';
const isKnown = 'has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName in params.spec.claims';
const placeOf = (volume: string): string => `params.spec.claims[${volume}.persistentVolumeClaim.claimName]`;

/** Tells that no node can use two of the pod's volumes. It looks at both, so it is asked about what the controller keeps for each namespace. */
export const volumesApart: Named<IValidatingAdmissionPolicy> = podPolicy({
  name,
  about: { apiVersion: 'isthmus.dev/v1alpha1', kind: 'VolumePlaces' },
  concerns: `${volumes}.filter(v, ${isKnown}).size() > 1`,
  variables: [
    { name: 'known', expression: `variables.volumes.filter(v, ${isKnown})` },
    { name: 'apart', expression: `variables.known.filter(a, variables.known.exists(b, ${areApart('a', 'b')}))` },
    { name: 'one', expression: 'variables.apart[0]' },
    { name: 'other', expression: `variables.apart.filter(b, ${areApart('variables.one', 'b')})[0]` },
  ],
  isWell: 'size(variables.apart) == 0',
  says: `'volume "' + variables.one.name + '" is ' + ${explain('variables.one')} + ' and volume "' + variables.other.name + '" ' + ${explain('variables.other')} + ': no node can use both; use them in pods of their own, or restore one of them beside the other'`,
});

export const volumesApartBindings: readonly Named<IValidatingAdmissionPolicyBinding>[] = podBindings(name, {});

/** As `areApart` of `place.ts`. */
function areApart(a: string, b: string): string {
  const differ = (field: string): string =>
    `(has(${placeOf(a)}.${field}) && has(${placeOf(b)}.${field}) && ${placeOf(a)}.${field} != ${placeOf(b)}.${field})`;
  return `(${placeOf(a)}.ground != ${placeOf(b)}.ground || ${differ('zone')} || ${differ('machine')})`;
}

/** As `explainPlace` of `place.ts`. */
function explain(volume: string): string {
  const { place } = { place: placeOf(volume) };
  return `(has(${place}.machine) ? 'on machine ' + ${place}.machine : has(${place}.zone) ? 'in zone ' + ${place}.zone + ' of the cloud' : ${place}.ground == 'cloud' ? 'in the cloud' : 'on a machine of the site')`;
}
