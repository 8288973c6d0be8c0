/** Where the API server is and who we are to it. Key, certificates and token are PEM or plain text, never base64. */
export interface KubeAccess {
  /** `https://host:port`, without a path. */
  readonly server: string;
  /** The authority that signed the server's certificate, PEM; the system's own authorities when left out. */
  readonly ca?: string;
  readonly clientCertificate?: { readonly certificate: string; readonly key: string };
  /** Asked before each request, because a token in a pod is replaced about every hour. */
  readonly token?: () => string | Promise<string>;
}
