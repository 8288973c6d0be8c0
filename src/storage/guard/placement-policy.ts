import type {
  IValidatingAdmissionPolicy,
  IValidatingAdmissionPolicyBinding,
} from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { entryOf, listOf, mapOf, text } from '#capability/cel.ts';
import { cloudOnlyLabels } from '#capability/cloud-labels.ts';
import type { Named } from '#capability/named.ts';
import { generalZoneKey, groundOfDriver, machineKeys, zoneKeys } from '../grounds.ts';
import { volumeFacts } from './facts.ts';
import { podBindings, podPolicy, templates, type Variable, volumes } from './pod-policy.ts';

/** What is known of the machines of a cluster when its policies are written. */
export interface Machines {
  readonly site: readonly string[];
  readonly cloud: readonly string[];
}

/** The zone of all machines of the site, by their join. */
export const siteZone = 'site';

const claimPolicy = 'isthmus-volume-out-of-reach';
const classPolicy = 'isthmus-class-out-of-reach';

/**
 * Tells whoever writes a pod, or something that makes pods, that a volume of it can never be used where the pod must run. An expression
 * cannot look a claim up; so it is evaluated once for each claim of the namespace that carries the label of its ground.
 */
export function volumeOutOfReach(machines: Machines): Named<IValidatingAdmissionPolicy> {
  const isUsed = 'has(v.persistentVolumeClaim) && v.persistentVolumeClaim.claimName == params.metadata.name';
  // Claims that a StatefulSet made before: TEMPLATE-NAME-0.
  const isMade =
    "params.metadata.name.startsWith(t.metadata.name + '-' + dyn(object).metadata.name + '-') && params.metadata.name.matches('-[0-9]+$')";
  return outOfReach(claimPolicy, machines, {
    about: { apiVersion: 'v1', kind: 'PersistentVolumeClaim' },
    concerns: `${volumes}.exists(v, ${isUsed}) || ${templates}.exists(t, ${isMade})`,
    variables: [
      {
        name: 'volume',
        expression: `(variables.volumes.filter(v, ${isUsed}).map(v, v.name) + variables.templates.filter(t, ${isMade}).map(t, t.metadata.name))[0]`,
      },
      {
        name: 'called',
        expression: `'volume "' + variables.volume + '" (PersistentVolumeClaim ' + params.metadata.name + ')'`,
      },
      { name: 'ground', expression: entryOf('params.metadata.labels', volumeFacts.ground) },
      { name: 'zone', expression: entryOf('params.metadata.annotations', volumeFacts.zone) },
      { name: 'machine', expression: entryOf('params.metadata.annotations', volumeFacts.machine) },
      { name: 'isGone', expression: `${entryOf('params.metadata.annotations', volumeFacts.machineState)} == 'gone'` },
    ],
  });
}

/** As above, for volumes that are yet to be made from a template. Evaluated once for each StorageClass. */
export function classOutOfReach(machines: Machines): Named<IValidatingAdmissionPolicy> {
  const grounds = mapOf(groundOfDriver);
  const ephemeral = `has(v.ephemeral) && has(v.ephemeral.volumeClaimTemplate) && ${isOfClass('v.ephemeral.volumeClaimTemplate')}`;
  return outOfReach(classPolicy, machines, {
    about: { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' },
    concerns: `params.provisioner in ${grounds} && (${templates}.exists(t, ${isOfClass('t')}) || ${volumes}.exists(v, ${ephemeral}))`,
    variables: [
      {
        name: 'volume',
        expression: `(variables.templates.filter(t, ${isOfClass('t')}).map(t, t.metadata.name) + variables.volumes.filter(v, ${ephemeral}).map(v, v.name))[0]`,
      },
      {
        name: 'called',
        expression: `'volume "' + variables.volume + '" (StorageClass ' + params.metadata.name + ')'`,
      },
      { name: 'ground', expression: `${grounds}[params.provisioner]` },
      { name: 'zone', expression: "''" },
      { name: 'machine', expression: "''" },
      { name: 'isGone', expression: 'false' },
    ],
  });
}

export const outOfReachBindings: readonly Named<IValidatingAdmissionPolicyBinding>[] = [
  ...podBindings(claimPolicy, { matchExpressions: [{ key: volumeFacts.ground, operator: 'Exists' }] }),
  ...podBindings(classPolicy, {}),
];

function outOfReach(
  name: string,
  machines: Machines,
  question: Pick<Parameters<typeof podPolicy>[0], 'about' | 'concerns' | 'variables'>,
): Named<IValidatingAdmissionPolicy> {
  return podPolicy({
    ...question,
    name,
    variables: [...question.variables, ...reachVariables(machines)],
    isWell: "!variables.isGone && variables.because == ''",
    says: sentence,
  });
}

/** A claim that names no class is of the default one; the API server writes that into claims, not into templates. */
function isOfClass(claim: string): string {
  const isDefault = `${entryOf('params.metadata.annotations', 'storageclass.kubernetes.io/is-default-class')} == 'true'`;
  return `(has(${claim}.spec.storageClassName) ? ${claim}.spec.storageClassName == params.metadata.name : ${isDefault})`;
}

/** Needs `ground`, `zone`, `machine` and `pod`; `because` is what keeps the pod off every node that can use the volume, or empty. */
function reachVariables({ site, cloud }: Machines): readonly Variable[] {
  const ifKnown = (value: string): string => `${value} == '' ? optional.none() : optional.of(${value})`;
  return [
    {
      // What every node that can use the volume is labelled with, as far as it is known.
      name: 'labels',
      expression: `{${[
        "'isthmus.dev/ground': variables.ground",
        ...machineKeys.map((key) => `?${text(key)}: ${ifKnown('variables.machine')}`),
        `?${text(generalZoneKey)}: variables.ground == 'site' ? optional.of(${text(siteZone)}) : ${ifKnown('variables.zone')}`,
        ...zoneKeys.filter((key) => key !== generalZoneKey).map((key) => `?${text(key)}: ${ifKnown('variables.zone')}`),
      ].join(', ')}}`,
    },
    {
      // Machines that certainly cannot use it, where the one that can is not known.
      name: 'others',
      expression: `variables.ground == 'cloud' ? ${listOf(site)} : ${listOf(cloud)}`,
    },
    { name: 'because', expression: because() },
  ];
}

function because(): string {
  const { pod, affinity, terms } = {
    pod: 'variables.pod',
    affinity: 'variables.pod.affinity.nodeAffinity',
    terms: 'variables.pod.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms',
  };
  const wrong = `${pod}.nodeSelector.filter(k, ${excludes('k', { operator: 'In', values: `[${pod}.nodeSelector[k]]` })})`;
  const expressions = `has(t.matchExpressions) && t.matchExpressions.exists(e, ${excludes('e.key')})`;
  const fields = `has(t.matchFields) && t.matchFields.exists(e, e.operator == 'In' && e.values.all(n, ${isElsewhere('n')}))`;
  return [
    `has(${pod}.nodeName) && ${pod}.nodeName != '' && ${isElsewhere(`${pod}.nodeName`)} ? 'nodeName ' + ${pod}.nodeName :`,
    `has(${pod}.nodeSelector) && size(${wrong}) > 0 ? ${wrong}.map(k, 'nodeSelector ' + k + '=' + ${pod}.nodeSelector[k]).min() :`,
    `has(${pod}.affinity) && has(${affinity}) && has(${affinity}.requiredDuringSchedulingIgnoredDuringExecution) && ${terms}.all(t, (${expressions}) || (${fields})) ? 'its node affinity' : ''`,
  ].join(' ');
}

function isElsewhere(name: string): string {
  return `(variables.machine != '' ? ${name} != variables.machine : ${name} in variables.others)`;
}

/** Whether a requirement on labels holds on no node that can use the volume. Written out at each place: CEL has no functions of one's own. */
function excludes(key: string, fixed?: { readonly operator: string; readonly values: string }): string {
  const values = fixed?.values ?? 'e.values';
  const is = (operator: string): string =>
    fixed === undefined ? `e.operator == '${operator}'` : String(fixed.operator === operator);
  return [
    `(${key} in variables.labels ? (${is('In')} && !(variables.labels[${key}] in ${values})) || (${is('NotIn')} && variables.labels[${key}] in ${values}) || ${is('DoesNotExist')}`,
    `: (${key} in ${listOf(machineKeys)} && ${is('In')} && ${values}.all(n, ${isElsewhere('n')}))`,
    `|| (${key} == ${text(generalZoneKey)} && ${is('In')} && ${values}.all(z, z == ${text(siteZone)}))`,
    `|| (variables.ground == 'site' && ${key} in ${listOf(cloudOnlyLabels)} && (${is('In')} || ${is('Exists')})))`,
  ].join(' ');
}

const sentence = [
  'variables.called + (variables.isGone',
  "? ' is on machine ' + variables.machine + ', which has left the cluster: join the machine again, or restore the data into a new claim'",
  ": variables.machine != '' ? ' is on machine ' + variables.machine + ', and ' + variables.because + ' keeps the pod off it: remove that, or move the data'",
  ": variables.ground == 'site' ? ' is on a machine of the site, and ' + variables.because + ' keeps the pod off these: remove that, or use a StorageClass of the cloud'",
  ": ' can only be used on cloud nodes' + (variables.zone == '' ? '' : ' of zone ' + variables.zone) + ', and ' + variables.because + ' keeps the pod off them: remove that, or use a StorageClass of the site')",
].join(' ');
