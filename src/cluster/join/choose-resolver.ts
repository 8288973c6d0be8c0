/** A file in the form of resolv.conf, and the name servers that it names. */
export interface Resolver {
  readonly path: string;
  readonly nameservers: readonly string[];
}

/**
 * The file that pods without a resolver of their own get, CoreDNS among them: the first that names servers and none of them on
 * loopback, which in a pod is the pod itself. A local cache such as systemd-resolved writes the real servers into a second file.
 * @shape undefined when no file will do
 */
export function chooseResolver(resolvers: readonly Resolver[]): string | undefined {
  return resolvers.find(({ nameservers }) => nameservers.length > 0 && !nameservers.some(isLoopback))?.path;
}

/** Whether every file that names servers names one on loopback. */
export function namesLoopbackAlone(resolvers: readonly Resolver[]): boolean {
  return chooseResolver(resolvers) === undefined && resolvers.some(({ nameservers }) => nameservers.some(isLoopback));
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1';
}
