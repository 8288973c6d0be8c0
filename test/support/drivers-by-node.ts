import type { Kubectl } from '#lab/demo/proof.ts';

/** The CSI drivers that kubelet of each node knows, sorted. */
export async function driversByNode(kubectl: Kubectl): Promise<Readonly<Record<string, readonly string[]>>> {
  const { items } = JSON.parse(await kubectl(['get', 'csinodes', '-o', 'json'])) as {
    readonly items: readonly {
      readonly metadata: { readonly name: string };
      readonly spec: { readonly drivers: readonly { readonly name: string }[] | null };
    }[];
  };
  return Object.fromEntries(
    items.map(({ metadata, spec }) => [metadata.name, (spec.drivers ?? []).map((one) => one.name).toSorted()]),
  );
}
