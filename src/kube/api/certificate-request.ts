import type { KubeObject, Resource } from '../kube.ts';

/** Somebody asks a signer of Kubernetes for a certificate; it is signed when somebody with the right has approved it. */
export interface CertificateRequestObject extends KubeObject {
  readonly spec: {
    /** Base64 of the PEM of a PKCS #10 request. */
    readonly request: string;
    readonly signerName: string;
    readonly usages?: readonly string[];
    readonly expirationSeconds?: number;
    /** Who asks, as the API server has authenticated them. */
    readonly username?: string;
    readonly groups?: readonly string[];
  };
  readonly status?: {
    readonly conditions?: readonly {
      readonly type: string;
      readonly status: string;
      readonly reason?: string;
      readonly message?: string;
    }[];
    readonly certificate?: string;
  };
}

export const certificateRequests: Resource<CertificateRequestObject> = {
  group: 'certificates.k8s.io',
  version: 'v1',
  plural: 'certificatesigningrequests',
  kind: 'CertificateSigningRequest',
  namespaced: false,
};

/** Certificates with which a kubelet shows who it is, to the API server and to whoever calls it. */
export const signers = {
  kubeletClient: 'kubernetes.io/kube-apiserver-client-kubelet',
  kubeletServing: 'kubernetes.io/kubelet-serving',
} as const;
