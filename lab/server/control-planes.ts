import { readFile } from 'node:fs/promises';
import { kubeconfigsOf } from '../cli/office.ts';

/** An API server of one of the lab's clusters. */
export interface ApiServer {
  readonly address: string;
  readonly port: number;
}

/** Where the API servers are, by the kubeconfigs at the operator's desk; none before there is a cluster. */
export async function apiServersOf(lab: string): Promise<readonly ApiServer[]> {
  const texts = await Promise.all(kubeconfigsOf(lab).map(({ path }) => readFile(path, 'utf8')));
  return texts.flatMap(parseApiServers);
}

export function parseApiServers(kubeconfig: string): readonly ApiServer[] {
  const found = kubeconfig.matchAll(/^\s*server: "?https:\/\/([\d.]+):(\d+)"?\s*$/gm);
  return [...found].map(([, address = '', port]) => ({ address, port: Number(port) }));
}
