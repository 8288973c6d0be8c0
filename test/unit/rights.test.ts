import { expect, test } from 'vitest';
import type { Capability } from '#capability/capability.ts';
import { factsOfEverything } from '#capability/facts.example.ts';
import * as rights from '#cluster/system-objects/rights.ts';
import type { KubeObject } from '#kube/kube.ts';
import { capabilities } from '../../src/program/capabilities.ts';

interface Bound extends KubeObject {
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly resources?: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly { readonly name: string }[];
}

/** `isthmus-agent: get podranges.isthmus.dev`, for each account and all that is bound to it. */
function granted(objects: readonly Bound[]): readonly string[] {
  return objects
    .filter(({ roleRef }) => roleRef !== undefined)
    .flatMap(({ roleRef, subjects = [], metadata }) => {
      const role = objects.find(
        (object) =>
          object.kind === roleRef?.kind &&
          object.metadata.name === roleRef?.name &&
          object.metadata.namespace === metadata.namespace,
      );
      const rules = role?.rules ?? [];
      return subjects.flatMap(({ name }) =>
        rules.flatMap(({ apiGroups = [], resources = [], resourceNames, verbs }) =>
          resources.map((resource) => {
            const one = resourceNames === undefined ? '' : ` ${resourceNames.join(',')}`;
            return `${name}: ${verbs.join(' ')} ${resource}${apiGroups.map((group) => (group === '' ? '' : `.${group}`)).join('')}${one}`;
          }),
        ),
      );
    })
    .toSorted();
}

test('the programs inside the cluster have exactly the rights that they use, and of Secrets ours reads one by its name', () => {
  const own: readonly KubeObject[] = [rights.clusterRole, rights.clusterRoleBinding, rights.role, rights.roleBinding];
  const brought = capabilities
    .flatMap((part: Capability) => part.objects(factsOfEverything))
    .map(({ object }) => object);
  expect(granted([...own, ...brought])).toEqual([
    // Upstream's, of the addon.
    'contour-certgen: create update secrets',
    'contour: create get update contourconfigurations/status.projectcontour.io',
    'contour: create get update events',
    'contour: create get update extensionservices/status.projectcontour.io',
    'contour: create get update httpproxies/status.projectcontour.io',
    'contour: create get update ingresses/status.networking.k8s.io',
    'contour: create get update leases.coordination.k8s.io',
    'contour: get list watch configmaps',
    'contour: get list watch contourconfigurations.projectcontour.io',
    'contour: get list watch endpointslices.discovery.k8s.io',
    'contour: get list watch extensionservices.projectcontour.io',
    'contour: get list watch httpproxies.projectcontour.io',
    'contour: get list watch ingresses.networking.k8s.io',
    'contour: get list watch namespaces',
    'contour: get list watch secrets',
    'contour: get list watch services',
    'contour: get list watch tlscertificatedelegations.projectcontour.io',
    'isthmus-agent: get list watch podranges.isthmus.dev',
    'isthmus-agent: list watch namespaces',
    'isthmus-agent: list watch nodes',
    'isthmus-agent: patch nodes/status',
    'isthmus-agent: patch podranges/status.isthmus.dev',
    'isthmus-controller: approve signers.certificates.k8s.io kubernetes.io/kube-apiserver-client-kubelet,kubernetes.io/kubelet-serving',
    'isthmus-controller: create leases.coordination.k8s.io',
    'isthmus-controller: create patch delete rolebindings.rbac.authorization.k8s.io',
    'isthmus-controller: create patch delete roles.rbac.authorization.k8s.io',
    // Tokens by which machines join, in kube-system; an admission policy holds it to these.
    'isthmus-controller: create patch delete secrets',
    'isthmus-controller: create patch events.events.k8s.io',
    'isthmus-controller: create pods/eviction',
    'isthmus-controller: get create patch delete configmaps',
    // In isthmus-system: the same tokens, as they are recorded.
    'isthmus-controller: get create patch delete secrets',
    'isthmus-controller: get list patch configmaps',
    'isthmus-controller: get list watch create update delete podranges.isthmus.dev',
    'isthmus-controller: get list watch delete pods',
    'isthmus-controller: get list watch nodes',
    'isthmus-controller: get list watch patch delete nodes',
    'isthmus-controller: get list watch patch ingresses.networking.k8s.io',
    'isthmus-controller: get list watch patch nodegroups.isthmus.dev',
    'isthmus-controller: get list watch patch nodes',
    'isthmus-controller: get list watch patch services',
    'isthmus-controller: get machines.isthmus.dev',
    'isthmus-controller: get nodes',
    'isthmus-controller: get patch csidrivers.storage.k8s.io udisk.csi.ucloud.cn,ufs.isthmus.dev',
    'isthmus-controller: get secrets',
    'isthmus-controller: get update leases.coordination.k8s.io isthmus-controller',
    'isthmus-controller: list delete configmaps',
    'isthmus-controller: list ingresses.networking.k8s.io',
    'isthmus-controller: list pods',
    'isthmus-controller: list services',
    'isthmus-controller: list watch certificatesigningrequests.certificates.k8s.io',
    'isthmus-controller: list watch create delete csistoragecapacities.storage.k8s.io',
    'isthmus-controller: list watch create patch delete volumeplaces.isthmus.dev',
    'isthmus-controller: list watch endpointslices.discovery.k8s.io',
    'isthmus-controller: list watch ingressclasses.networking.k8s.io',
    'isthmus-controller: list watch machines.isthmus.dev',
    'isthmus-controller: list watch namespaces',
    'isthmus-controller: list watch nodes',
    'isthmus-controller: list watch patch persistentvolumeclaims',
    'isthmus-controller: list watch persistentvolumes',
    'isthmus-controller: list watch pods',
    'isthmus-controller: list watch pods',
    'isthmus-controller: list watch storageclasses.storage.k8s.io',
    'isthmus-controller: patch ingresses/status.networking.k8s.io',
    'isthmus-controller: patch nodes/status',
    'isthmus-controller: patch nodes/status',
    'isthmus-controller: patch nodes/status',
    'isthmus-controller: patch podranges/status.isthmus.dev',
    'isthmus-controller: patch pods/status',
    'isthmus-controller: patch pods/status',
    'isthmus-controller: patch services/status',
    'isthmus-controller: update certificatesigningrequests/approval.certificates.k8s.io',
    'isthmus-controller: update nodegroups/status.isthmus.dev',
    // The sidecars' own needs, all of a pod together.
    'isthmus-csi-controller: create leases.coordination.k8s.io',
    'isthmus-csi-controller: create patch update events',
    'isthmus-csi-controller: get list watch create patch delete persistentvolumes',
    'isthmus-csi-controller: get list watch csinodes.storage.k8s.io',
    'isthmus-csi-controller: get list watch nodes',
    'isthmus-csi-controller: get list watch patch volumeattachments.storage.k8s.io',
    'isthmus-csi-controller: get list watch storageclasses.storage.k8s.io',
    'isthmus-csi-controller: get list watch update patch volumesnapshotcontents.snapshot.storage.k8s.io',
    'isthmus-csi-controller: get list watch update persistentvolumeclaims',
    'isthmus-csi-controller: get list watch update volumesnapshots.snapshot.storage.k8s.io',
    'isthmus-csi-controller: get list watch volumeattributesclasses.storage.k8s.io',
    'isthmus-csi-controller: get list watch volumesnapshotclasses.snapshot.storage.k8s.io',
    'isthmus-csi-controller: get update leases.coordination.k8s.io udisk-csi-ucloud-cn,external-attacher-leader-udisk-csi-ucloud-cn,external-resizer-udisk-csi-ucloud-cn,external-snapshotter-leader-udisk-csi-ucloud-cn',
    'isthmus-csi-controller: list create patch delete configmaps',
    'isthmus-csi-controller: patch persistentvolumeclaims/status',
    'isthmus-csi-controller: patch volumeattachments/status.storage.k8s.io',
    'isthmus-csi-controller: update patch volumesnapshotcontents/status.snapshot.storage.k8s.io',
    'isthmus-csi-local: create leases.coordination.k8s.io',
    'isthmus-csi-local: create patch update events',
    'isthmus-csi-local: get list watch create patch delete persistentvolumes',
    'isthmus-csi-local: get list watch create update patch delete csistoragecapacities.storage.k8s.io',
    'isthmus-csi-local: get list watch csinodes.storage.k8s.io',
    'isthmus-csi-local: get list watch nodes',
    'isthmus-csi-local: get list watch storageclasses.storage.k8s.io',
    'isthmus-csi-local: get list watch update persistentvolumeclaims',
    'isthmus-csi-local: get list watch volumeattributesclasses.storage.k8s.io',
    'isthmus-csi-local: get pods',
    'isthmus-csi-local: get update leases.coordination.k8s.io external-resizer-local-isthmus-dev',
    'isthmus-csi-local: patch nodes/status',
    'isthmus-csi-local: patch persistentvolumeclaims/status',
    'isthmus-csi-node: get nodes',
    'isthmus-csi-share-controller: create leases.coordination.k8s.io',
    'isthmus-csi-share-controller: create patch update events',
    'isthmus-csi-share-controller: get list watch create patch delete persistentvolumes',
    'isthmus-csi-share-controller: get list watch csinodes.storage.k8s.io',
    'isthmus-csi-share-controller: get list watch nodes',
    'isthmus-csi-share-controller: get list watch storageclasses.storage.k8s.io',
    'isthmus-csi-share-controller: get list watch update persistentvolumeclaims',
    'isthmus-csi-share-controller: get list watch volumeattributesclasses.storage.k8s.io',
    'isthmus-csi-share-controller: get patch csidrivers.storage.k8s.io ufs.isthmus.dev',
    'isthmus-csi-share-controller: get update leases.coordination.k8s.io ufs-isthmus-dev,external-resizer-ufs-isthmus-dev',
    'isthmus-csi-share-controller: patch persistentvolumeclaims/status',
    'isthmus-snapshot-controller: create leases.coordination.k8s.io',
    'isthmus-snapshot-controller: create patch update events',
    'isthmus-snapshot-controller: get list watch create update patch delete volumesnapshotcontents.snapshot.storage.k8s.io',
    'isthmus-snapshot-controller: get list watch create update patch delete volumesnapshots.snapshot.storage.k8s.io',
    'isthmus-snapshot-controller: get list watch persistentvolumes',
    'isthmus-snapshot-controller: get list watch update persistentvolumeclaims',
    'isthmus-snapshot-controller: get list watch volumesnapshotclasses.snapshot.storage.k8s.io',
    'isthmus-snapshot-controller: get update leases.coordination.k8s.io snapshot-controller-leader',
    'isthmus-snapshot-controller: update patch volumesnapshotcontents/status.snapshot.storage.k8s.io',
    'isthmus-snapshot-controller: update patch volumesnapshots/status.snapshot.storage.k8s.io',
  ]);
});
