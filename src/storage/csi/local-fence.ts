import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { askedBy, isKept } from '#capability/own-node.ts';
import { localDriver, nodeKey } from '../local/driver.ts';
import { csiLocalName } from './names.ts';

type Policy = IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } };
type Spec = NonNullable<Policy['spec']>;

/** In CEL: the node that the token of whoever asks is bound to; no node's name is empty. */
const nodeVariable = {
  name: 'node',
  expression:
    "'authentication.kubernetes.io/node-name' in request.userInfo.extra ? request.userInfo.extra['authentication.kubernetes.io/node-name'][0] : ''",
};
const hasNode = "variables.node != ''";

const annotations = (object: string): string =>
  `(has(${object}.metadata.annotations) ? ${object}.metadata.annotations : {})`;

/** In CEL: no annotation but these was changed. */
function onlyAnnotations(...names: readonly string[]): string {
  const isIn = (a: string, b: string): string =>
    `${annotations(a)}.all(k, k in [${names.map((name) => `'${name}'`).join(', ')}] || (k in ${annotations(b)} && ${annotations(b)}[k] == ${annotations(a)}[k]))`;
  return `${isIn('object', 'oldObject')} && ${isIn('oldObject', 'object')}`;
}

function kept(part: 'metadata' | 'spec', fields: readonly string[]): string {
  return fields.map((field) => isKept(part, field)).join(' && ');
}

const marks = ['labels', 'finalizers', 'ownerReferences'];

const isOurs = (volume: string): string => `has(${volume}.spec.csi) && ${volume}.spec.csi.driver == '${localDriver}'`;
const isOwn = (volume: string): string =>
  `${isOurs(volume)} && ${hasNode} && ${volume}.spec.csi.volumeHandle.startsWith(variables.node + '/')`;

/** What the resizer, of which one works for all machines, changes of a volume that has grown. @source external-resizer v2.3.0 pkg/util, UpdatePVCapacity and AddAnnPreResizeCapacity */
const isGrowth = [
  isOurs('oldObject'),
  kept('metadata', marks),
  onlyAnnotations('volume.alpha.kubernetes.io/pre-resize-capacity'),
  // The source of a volume never changes, by the API server itself.
  kept('spec', [
    'accessModes',
    'claimRef',
    'mountOptions',
    'nodeAffinity',
    'persistentVolumeReclaimPolicy',
    'storageClassName',
    'volumeAttributesClassName',
  ]),
  "quantity(string(object.spec.capacity['storage'])).compareTo(quantity(string(oldObject.spec.capacity['storage']))) >= 0",
].join(' && ');

const isHere = `has(object.spec.nodeAffinity) && has(object.spec.nodeAffinity.required) && object.spec.nodeAffinity.required.nodeSelectorTerms.all(t, has(t.matchExpressions) && t.matchExpressions.exists(e, e.key == '${nodeKey}' && e.operator == 'In' && e.values == [variables.node]))`;

/**
 * csi-local runs on every machine of the site, and whoever has taken one over has its token. RBAC can't tell one machine's volumes from another's,
 * so these do: it makes, changes and removes PersistentVolumes of its own machine; of others it can only say that they have grown.
 */
const onlyOwnVolumes = policy('isthmus-csi-local-writes-own-volumes', '', ['persistentvolumes'], {
  validations: [
    {
      expression: `request.operation != 'CREATE' || (${isOwn('object')} && ${isHere})`,
      message: `csi-local makes only PersistentVolumes of ${localDriver} on the node that its token is bound to`,
    },
    {
      expression: `request.operation != 'DELETE' || (${isOwn('oldObject')})`,
      message: 'csi-local deletes only PersistentVolumes of the node that its token is bound to',
    },
    {
      expression: `request.operation != 'UPDATE' || (${isOwn('oldObject')}) || (${isGrowth})`,
      message:
        'csi-local changes only PersistentVolumes of the node that its token is bound to, and of other local volumes only their size, which grows',
    },
  ],
});

const selectedNode = 'volume.kubernetes.io/selected-node';
/** Written by Kubernetes' own controllers: for whom the claim waits, to be made or to grow. */
const isClaimOfOurs = [
  'volume.kubernetes.io/storage-provisioner',
  'volume.beta.kubernetes.io/storage-provisioner',
  'volume.kubernetes.io/storage-resizer',
]
  .map((name) => `('${name}' in variables.before && variables.before['${name}'] == '${localDriver}')`)
  .join(' || ');

/** Of claims it gives the choice of its own machine back to the scheduler, or takes one that nobody chose a machine for; and says how far growth is. */
const onlyOwnClaims = policy(
  'isthmus-csi-local-writes-own-claims',
  '',
  ['persistentvolumeclaims', 'persistentvolumeclaims/status'],
  {
    variables: [{ name: 'before', expression: annotations('oldObject') }],
    validations: [
      {
        expression: `request.operation == 'UPDATE' && (${isClaimOfOurs})`,
        message: `csi-local changes only PersistentVolumeClaims that wait for ${localDriver}`,
      },
      {
        expression: `request.operation != 'UPDATE' || (${kept('metadata', marks)} && ${onlyAnnotations(selectedNode)})`,
        message: `csi-local changes nothing of a PersistentVolumeClaim's metadata but the annotation ${selectedNode}`,
      },
      {
        expression: `request.operation != 'UPDATE' || ${annotations('object')} == variables.before || (${hasNode} && ('${selectedNode}' in variables.before ? variables.before['${selectedNode}'] == variables.node && !('${selectedNode}' in ${annotations('object')}) : ${annotations('object')}['${selectedNode}'] == variables.node))`,
        message: `csi-local changes the annotation ${selectedNode} only from or to the node that its token is bound to`,
      },
      {
        expression: "request.operation != 'UPDATE' || object.spec == oldObject.spec",
        message: 'csi-local changes nothing that a PersistentVolumeClaim asks for',
      },
    ],
  },
);

const isRoomHere = (object: string): string =>
  `(has(${object}.nodeTopology) && has(${object}.nodeTopology.matchLabels) && '${nodeKey}' in ${object}.nodeTopology.matchLabels && ${object}.nodeTopology.matchLabels['${nodeKey}'] == variables.node)`;

/** It tells the scheduler of the room of its own machine, and of no other's. */
const onlyOwnRoom = policy('isthmus-csi-local-tells-own-room', 'storage.k8s.io', ['csistoragecapacities'], {
  validations: [
    {
      expression: `${hasNode} && (request.operation == 'CREATE' || ${isRoomHere('oldObject')}) && (request.operation == 'DELETE' || ${isRoomHere('object')})`,
      message: 'csi-local writes only CSIStorageCapacity objects of the node that its token is bound to',
    },
  ],
});

export const localFences: readonly Policy[] = [onlyOwnVolumes, onlyOwnClaims, onlyOwnRoom];

function policy(
  name: string,
  apiGroup: string,
  resources: string[],
  {
    variables = [],
    validations,
  }: {
    readonly variables?: NonNullable<Spec['variables']>;
    readonly validations: readonly { readonly expression: string; readonly message: string }[];
  },
): Policy {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          { apiGroups: [apiGroup], apiVersions: ['*'], resources, operations: ['CREATE', 'UPDATE', 'DELETE'] },
        ],
      },
      matchConditions: [...askedBy(csiLocalName)],
      variables: [nodeVariable, ...variables],
      validations: validations.map((one) => ({ ...one, reason: 'Forbidden' })),
    },
  };
}
