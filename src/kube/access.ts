/** Where the API server is and who we are to it. Key, certificates and token are PEM or plain text, never base64. */
export interface KubeAccess {
  /** `https://host:port`, without a path. */
  readonly server: string;
  /** The authority that signed the server's certificate, PEM; the system's own authorities when left out. */
  readonly ca?: string;
  /** As a function it is asked before each request; another certificate makes another connection. */
  readonly clientCertificate?: ClientCertificate | (() => ClientCertificate | Promise<ClientCertificate>);
  /**
   * Asked before each request, because a token in a pod is replaced about every hour; told the one that the server has just
   * refused, so that a remembered one is not given again.
   */
  readonly token?: (refused?: string) => string | Promise<string>;
}

export interface ClientCertificate {
  readonly certificate: string;
  readonly key: string;
}
