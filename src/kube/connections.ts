import { Agent } from 'undici';
import type { KubeAccess } from './access.ts';

/** The connections to one API server. */
export interface Connections {
  /** Where the next request goes. */
  current(): Agent;
  /**
   * Says that a request over these connections met silence. Later requests go over new ones; what still runs on the old may
   * end there. undici alone would let requests queue behind a dead connection for as long as its first time-out took.
   */
  distrust(silent: Agent): void;
  close(): Promise<void>;
}

export function connectionsTo(access: KubeAccess): Connections {
  let current = agentFor(access);
  const all = new Set([current]);
  return {
    current: () => current,
    distrust(silent) {
      // Many requests meet the same silence: the first of them has replaced it already.
      if (silent !== current) return;
      current = agentFor(access);
      all.add(current);
      void silent.close().finally(() => all.delete(silent));
    },
    async close() {
      await Promise.all([...all].map((agent) => agent.destroy()));
    },
  };
}

function agentFor({ ca, clientCertificate }: KubeAccess): Agent {
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
