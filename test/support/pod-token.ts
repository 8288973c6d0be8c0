import { systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import { pods } from '#kube/resources.ts';
import type { ApiServer } from './api-server.ts';

type Server = { readonly server: ApiServer; readonly kube: Kube };

/** The API server as a program of ours sees it that runs on this node, by the token that kubelet would give to its pod. */
export async function asProgramOn(api: Server, account: string, node: string): Promise<Kube> {
  const { server, ca } = api.server.access;
  return connect({ server, ...(ca && { ca }), token: await tokenOf(api.kube, account, node) });
}

async function tokenOf(kube: Kube, account: string, node: string): Promise<() => string> {
  const name = `${account}-on-${node}`;
  const pod = await kube.create(pods, {
    metadata: { name, namespace: systemNamespace },
    spec: { nodeName: node, serviceAccountName: account, containers: [{ name: 'one', image: 'none' }] },
  } as KubeObject);
  const requests: Resource<KubeObject & { spec: object; status?: { token: string } }> = {
    group: '',
    version: 'v1',
    plural: `serviceaccounts/${account}/token`,
    kind: 'TokenRequest',
    namespaced: true,
  };
  const made = await kube.create(requests, {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { name: account, namespace: systemNamespace },
    spec: {
      audiences: ['https://kubernetes.default.svc'],
      boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid: pod.metadata.uid },
    },
  });
  const token = made.status?.token;
  if (token === undefined) throw new Error('the API server gave no token');
  return () => token;
}

/** The API server's status for a call that it refuses. */
export async function refusal(call: Promise<unknown>): Promise<number | 'allowed'> {
  try {
    await call;
    return 'allowed';
  } catch (e) {
    if (e instanceof KubeError) return e.status;
    throw e;
  }
}
