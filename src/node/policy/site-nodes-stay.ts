import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { isOfTheSite } from './is-of-the-site.ts';

/**
 * Nobody but a person who runs the cluster deletes the Node of a machine of the site: the machine is there, whatever a cloud says, and with its
 * Node all its pods would be deleted. Cloud controllers and everything else that runs in a cluster have the right to delete Nodes, so RBAC can't
 * tell them from a person; what only the operator may do besides is to delete the Machine. Whoever is `system:masters` may do everything, and
 * policies are judged by no policy: this one can always be removed.
 * @unit site: names of the machines of the site
 */
export function siteNodesStay(
  site: readonly string[],
): IValidatingAdmissionPolicy & { readonly metadata: { readonly name: string } } {
  const machine = "authorizer.group('isthmus.dev').resource('machines').name(request.name)";
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'isthmus-site-nodes-stay' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['nodes'], operations: ['DELETE'] }],
      },
      matchConditions: [{ name: 'is-of-the-site', expression: isOfTheSite(site) }],
      validations: [
        {
          // Kubernetes' own controllers, kubelets and all ServiceAccounts have names of this form.
          expression: `(has(request.userInfo.groups) && 'system:masters' in request.userInfo.groups) || (!request.userInfo.username.startsWith('system:') && ${machine}.check('delete').allowed())`,
          messageExpression: `oldObject.metadata.name + ' is a machine of the site, and ' + request.userInfo.username + ' is not its operator: take it out of cluster.yaml and run isthmus up, or delete the Node with the kubeconfig of the cluster'`,
          reason: 'Forbidden',
        },
      ],
    },
  };
}
