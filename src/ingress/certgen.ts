import type { IJob } from 'kubernetes-models/batch/v1';
import { contourName, ingressNamespace } from './names.ts';
import { contained, nobody } from './placement.ts';

export const certgenLabel = 'contour-certgen';

/**
 * Makes the certificates by which Envoy and Contour know each other. Upstream's live a year and are not renewed; ours ten. Another image is
 * another Job, because a Job can't be changed, and makes new ones.
 */
export function certgenJob(name: string, image: string): IJob & { readonly metadata: { readonly name: string } } {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name, namespace: ingressNamespace, labels: { app: certgenLabel } },
    spec: {
      parallelism: 1,
      completions: 1,
      // The first pods of a new cluster meet an API server that is not reached from everywhere yet.
      backoffLimit: 6,
      template: {
        metadata: { labels: { app: certgenLabel } },
        spec: {
          ...nobody,
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          serviceAccountName: certgenLabel,
          restartPolicy: 'Never',
          containers: [
            {
              ...contained,
              name: contourName,
              image,
              command: ['contour', 'certgen', '--kube', '--incluster', '--overwrite', '--secrets-format=compact'],
              args: [`--namespace=${ingressNamespace}`, `--certificate-lifetime=${10 * 365}`],
              resources: { requests: { cpu: '10m', memory: '32Mi' } },
            },
          ],
        },
      },
    },
  };
}
