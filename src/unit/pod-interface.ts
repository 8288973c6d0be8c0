/**
 * What the name of every pod's interface on its host begins with. kube-proxy knows local traffic by it, the agent names links with
 * it, and a reset finds by it what to remove.
 */
export const podInterfacePrefix = 'ist';
