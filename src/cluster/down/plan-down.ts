export interface DownSeen {
  readonly controlPlane: string;
  /** Those that carry our mark. */
  readonly cloudMachines: readonly { readonly name: string; readonly id: string }[];
  /** Those of cluster.yaml; `known` when we have been on them: their host key is pinned. */
  readonly machines: readonly { readonly name: string; readonly address: string; readonly known: boolean }[];
  readonly hasKubeconfig: boolean;
  /** What capabilities have set outside the cluster and may remove, `routes on the gateway`. */
  readonly outsides: readonly string[];
  /** What Services have in the cloud and carries our mark. */
  readonly exposed: readonly { readonly what: string; readonly id: string }[];
}

export type DownStep =
  | { readonly do: 'reset-machine'; readonly machine: string; readonly address: string; readonly holdsData: boolean }
  | { readonly do: 'remove-cloud-machine'; readonly machine: string; readonly id: string; readonly holdsData: boolean }
  | { readonly do: 'remove-exposed'; readonly what: string; readonly id: string }
  | { readonly do: 'clear-outside'; readonly what: string }
  | { readonly do: 'forget' };

/** What has to go; empty when nothing of the cluster is left. A machine that we have never been on is left alone. */
export function planDown(seen: DownSeen): readonly DownStep[] {
  const holdsData = (name: string): boolean => name === seen.controlPlane;
  const known = seen.machines.filter((machine) => machine.known);
  const steps: DownStep[] = [
    ...known.map(
      ({ name, address }): DownStep => ({
        do: 'reset-machine',
        machine: name,
        address,
        holdsData: holdsData(name),
      }),
    ),
    ...seen.cloudMachines.map(
      ({ name, id }): DownStep => ({
        do: 'remove-cloud-machine',
        machine: name,
        id,
        holdsData: holdsData(name),
      }),
    ),
    // After the machines: the controller on one of them would make anew what is removed before.
    ...seen.exposed.map(({ what, id }): DownStep => ({ do: 'remove-exposed', what, id })),
  ];
  const made = steps.length > 0 || seen.hasKubeconfig;
  if (!made) return [];
  for (const what of seen.outsides) steps.push({ do: 'clear-outside', what });
  return [...steps, { do: 'forget' }];
}

export function explainDown(step: DownStep): string {
  switch (step.do) {
    case 'reset-machine':
      return `reset machine ${step.machine} (${step.address}): Kubernetes and its pods are removed${dataToo(step)}, the machine stays`;
    case 'remove-cloud-machine':
      return `remove cloud machine ${step.machine} (${step.id}) with its disk${dataToo(step)}`;
    case 'remove-exposed':
      return `remove ${step.what} ${step.id}, which was made for a Service`;
    case 'clear-outside':
      return `remove the ${step.what} that isthmus has set`;
    case 'forget':
      return 'delete the kubeconfig and the pinned keys on this computer';
  }
}

function dataToo({ holdsData }: { readonly holdsData: boolean }): string {
  return holdsData ? ', and with it all data of the cluster (etcd)' : '';
}
