import type { BesideUp } from '#capability/capability.ts';
import type { ControllerPart } from '#capability/controller-part.ts';
import { type CertificateRequestObject, certificateRequests } from '#kube/api/certificate-request.ts';
import { typed } from '#kube/requests.ts';
import { runApprovalController } from './approval-controller.ts';
import type { Verdict } from './plan-approval.ts';

/** In the cluster: as long as it lives. */
export const certificateApprover: ControllerPart = {
  name: 'certificates',
  run: ({ kube, cloud, settings, events, note }, end) => {
    const tell = (request: CertificateRequestObject, verdict: Verdict): void => {
      note({ request: request.metadata.name, by: request.spec.username, ...verdict }, 'deciding a certificate request');
      if (verdict.do !== 'deny') return;
      const { apiVersion, kind } = typed(certificateRequests, request) as { apiVersion: string; kind: string };
      const { name, uid = '' } = request.metadata;
      const reason = { reason: verdict.why, type: 'Warning', action: 'Deny' } as const;
      events.tell({ apiVersion, kind, name, uid }, reason, `${request.spec.username}: ${verdict.says}`);
    };
    return runApprovalController({ kube, compute: cloud.compute, mark: settings.name, tell, note }, end);
  },
};

/** Beside `isthmus up`: machines join while the controller's own node and pod are still on their way. */
export function approveBesideUp({ kube, cloud, mark, say }: BesideUp, end: AbortSignal): Promise<void> {
  // A kubelet that was refused asks again and again.
  const said = new Set<string>();
  const tell = ({ spec }: CertificateRequestObject, verdict: Verdict): void => {
    if (verdict.do !== 'deny' && verdict.do !== 'wait') return;
    const line =
      verdict.do === 'wait'
        ? `a certificate for ${spec.username} waits: ${verdict.says}`
        : `a certificate was refused to ${spec.username}: ${verdict.says} (${verdict.why})`;
    if (!said.has(line)) say(line);
    said.add(line);
  };
  return runApprovalController({ kube, compute: cloud.compute, mark, tell, note: () => undefined }, end);
}
