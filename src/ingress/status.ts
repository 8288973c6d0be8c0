import type { CapabilityStatus, StatusLook } from '#capability/capability.ts';
import { jobs } from '#kube/resources.ts';
import { certgenLabel } from './certgen.ts';
import { ingressNamespace } from './names.ts';

/**
 * What neither the workloads nor Envoy's Service tell of themselves: without the certificates that a Job makes, pods wait for a Secret
 * and say only that they are being created.
 */
export async function ingressStatus({ kube }: StatusLook): Promise<CapabilityStatus> {
  const made = await kube.list(jobs, { namespace: ingressNamespace, labelSelector: `app=${certgenLabel}` });
  const problems = made.flatMap(({ metadata, status }) =>
    (status?.conditions ?? [])
      .filter(({ type, status: is }) => type === 'Failed' && is === 'True')
      .map(
        ({ message }) =>
          `Job ${ingressNamespace}/${metadata.name}: has failed, so that Contour and Envoy have no certificates: ${message ?? 'no message'}; look with: kubectl logs -n ${ingressNamespace} job/${metadata.name}; delete the Job and run isthmus up to try again`,
      ),
  );
  return { nodes: new Map(), problems };
}
