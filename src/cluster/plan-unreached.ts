/** Why the API server does not get through to the kubelet of a node that is ready. */
export type Unreached = 'no-answer' | 'no-certificate';

/** @unit message: of the API server, about a call that it passes on to the kubelet */
export function unreachedBy(message: string): Unreached {
  return /\btls: |\bx509: /.test(message) ? 'no-certificate' : 'no-answer';
}

/** What is wrong and what helps. */
export function explainUnreached(node: string, why: Unreached): string {
  if (why === 'no-answer')
    return `the API server does not reach port 10250 of ${node}, so kubectl logs and exec do not work there; allow traffic from the control plane to this port in the firewalls on the machine and on the network path`;
  return `the API server reaches port 10250 of ${node}, but the kubelet there has no certificate of the cluster for its address, so kubectl logs and exec do not work there; kubectl describe certificatesigningrequests tells whether the node's request waits or was denied, and why`;
}
