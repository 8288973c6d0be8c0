import type { IValidatingAdmissionPolicy } from 'kubernetes-models/admissionregistration.k8s.io/v1';
import { listOf } from '#capability/cel.ts';
import { groundLabel } from '#capability/ground.ts';
import type { Named } from '#capability/named.ts';
import { signers } from '#kube/api/certificate-request.ts';

/** With a join token one asks for the first certificate of a kubelet and for no other, so that nobody can be talked into approving one. */
export const tokensAskForKubelets: Named<IValidatingAdmissionPolicy> = {
  apiVersion: 'admissionregistration.k8s.io/v1',
  kind: 'ValidatingAdmissionPolicy',
  metadata: { name: 'isthmus-join-tokens-ask-for-kubelets' },
  spec: {
    failurePolicy: 'Fail',
    matchConstraints: {
      resourceRules: [
        {
          apiGroups: ['certificates.k8s.io'],
          apiVersions: ['*'],
          resources: ['certificatesigningrequests'],
          operations: ['CREATE'],
        },
      ],
    },
    matchConditions: [
      { name: 'asked-by-a-join-token', expression: "request.userInfo.username.startsWith('system:bootstrap:')" },
    ],
    validations: [
      {
        expression: `object.spec.signerName == '${signers.kubeletClient}'`,
        message: `a join token may only ask for certificates of ${signers.kubeletClient}`,
        reason: 'Forbidden',
      },
    ],
  },
};

/**
 * A kubelet says on which ground its node stands when it makes its Node, and never changes a label of Isthmus, but writes where volumes can be used
 * when a CSI driver registers: of a machine its own name alone. Kubernetes itself lets it change every label that is not of Kubernetes. A machine that is not of the site can't call itself one of the site: such Nodes have privileges.
 * @unit site: names of the machines of the site
 * @source kubernetes plugin/pkg/admission/noderestriction/admission.go v1.36.3
 */
export function nodesKeepTheirLabels(site: readonly string[]): Named<IValidatingAdmissionPolicy> {
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'ValidatingAdmissionPolicy',
    metadata: { name: 'isthmus-nodes-keep-their-labels' },
    spec: {
      failurePolicy: 'Fail',
      matchConstraints: {
        resourceRules: [
          // A kubelet may write labels along with its status.
          {
            apiGroups: [''],
            apiVersions: ['v1'],
            resources: ['nodes', 'nodes/status'],
            operations: ['CREATE', 'UPDATE'],
          },
        ],
      },
      matchConditions: [{ name: 'asked-by-a-node', expression: "'system:nodes' in request.userInfo.groups" }],
      variables: [
        { name: 'labels', expression: ownLabelsOf('object') },
        { name: 'before', expression: ownLabelsOf('oldObject') },
        { name: 'all', expression: allLabelsOf('object') },
        { name: 'id', expression: '(has(object.spec.providerID) ? object.spec.providerID : "")' },
        {
          name: 'isOfSite',
          expression: `variables.id.startsWith('isthmus-site://') || variables.labels.exists(l, l == '${groundLabel}=site')`,
        },
      ],
      validations: [
        {
          expression: 'request.operation == "CREATE" || variables.labels == variables.before',
          message: 'a node changes no label of isthmus.dev, not even its own',
          reason: 'Forbidden',
        },
        {
          expression:
            "variables.all.all(k, !(k.startsWith('topology.') && k.endsWith('.isthmus.dev/node')) || variables.all[k] == object.metadata.name)",
          message: 'a node says of no other machine that its volumes can be used there',
          reason: 'Forbidden',
        },
        {
          expression: `request.operation != "CREATE" || variables.labels.all(l, l.startsWith('${groundLabel}='))`,
          message: `of the labels of isthmus.dev a node may have only ${groundLabel} when it is made`,
          reason: 'Forbidden',
        },
        {
          expression: `request.operation != "CREATE" || !variables.isOfSite || object.metadata.name in ${listOf(site)}`,
          messageExpression:
            "object.metadata.name + ' says that it is a machine of the site, and cluster.yaml has no such machine: add it to machines and run isthmus up'",
          reason: 'Forbidden',
        },
      ],
    },
  };
}

/** In CEL: labels of ours as `key=value`, sorted. Those of topology a kubelet writes itself, for the CSI drivers of its machine. */
function ownLabelsOf(object: string): string {
  const labels = allLabelsOf(object);
  const isOurs = "(k.startsWith('isthmus.dev/') || k.contains('.isthmus.dev/')) && !k.startsWith('topology.')";
  return `${labels}.map(k, ${isOurs}, k + '=' + ${labels}[k]).sort()`;
}

function allLabelsOf(object: string): string {
  return `(${object} != null && has(${object}.metadata.labels) ? ${object}.metadata.labels : {})`;
}
