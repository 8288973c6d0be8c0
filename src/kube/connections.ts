import { Agent } from 'undici';
import type { ClientCertificate, KubeAccess } from './access.ts';

/** The connections to one API server. */
export interface Connections {
  /** Where the next request goes. @fails what the access's own function for the certificate throws */
  current(): Promise<Agent>;
  /**
   * Says that a request over these connections met silence. Later requests go over new ones; what still runs on the old may
   * end there. undici alone would let requests queue behind a dead connection for as long as its first time-out took.
   */
  distrust(silent: Agent): void;
  /**
   * A connection for one stream, until `drop`. A server that wants to be rid of a connection (GOAWAY) keeps it for as long as a
   * stream on it lives, and undici lets some requests wait for that: measured, 3 of 800 beside one watch, none without.
   */
  forStream(): Promise<Agent>;
  drop(ofStream: Agent): void;
  close(): Promise<void>;
}

export function connectionsTo(access: KubeAccess): Connections {
  const { clientCertificate } = access;
  const certificateNow = typeof clientCertificate === 'function' ? clientCertificate : () => clientCertificate;
  const all = new Set<Agent>();
  let current: { readonly agent: Agent; readonly certificate: ClientCertificate | undefined } | undefined;

  const renew = (certificate: ClientCertificate | undefined): Agent => {
    const old = current?.agent;
    const agent = agentFor(access, certificate);
    current = { agent, certificate };
    all.add(agent);
    if (old !== undefined) void old.close().finally(() => all.delete(old));
    return agent;
  };

  return {
    async current() {
      const certificate = await certificateNow();
      if (current !== undefined && current.certificate?.certificate === certificate?.certificate) return current.agent;
      return renew(certificate);
    },
    distrust(silent) {
      // Many requests meet the same silence: the first of them has replaced it already.
      if (silent === current?.agent) renew(current.certificate);
    },
    async forStream() {
      const agent = agentFor(access, await certificateNow());
      all.add(agent);
      return agent;
    },
    drop(ofStream) {
      void ofStream.destroy().finally(() => all.delete(ofStream));
    },
    async close() {
      await Promise.all([...all].map((agent) => agent.destroy()));
    },
  };
}

function agentFor({ ca }: KubeAccess, clientCertificate: ClientCertificate | undefined): Agent {
  return new Agent({
    allowH2: true,
    connectTimeout: 5000,
    keepAliveTimeout: 60_000,
    connect: {
      ...(ca !== undefined && { ca }),
      ...(clientCertificate !== undefined && { cert: clientCertificate.certificate, key: clientCertificate.key }),
    },
  });
}
