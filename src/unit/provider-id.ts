/**
 * What `spec.providerID` of a Node says. The two forms can never be mistaken for each other: nothing that a cloud answers
 * may ever name a physical machine.
 */
export type ProviderId =
  | { readonly ground: 'cloud'; readonly provider: string; readonly zone: string; readonly id: string }
  | { readonly ground: 'site'; readonly machine: string };

/** `ucloud://cn-bj2-04/uhost-abc`, `isthmus-site://base-1`. */
export function formatProviderId(id: ProviderId): string {
  return id.ground === 'cloud' ? `${id.provider}://${id.zone}/${id.id}` : `isthmus-site://${id.machine}`;
}

/** `undefined` for a form that is not ours. */
export function parseProviderId(text: string): ProviderId | undefined {
  const site = /^isthmus-site:\/\/([a-z0-9][a-z0-9.-]*)$/.exec(text);
  if (site?.[1] !== undefined) return { ground: 'site', machine: site[1] };
  const cloud = /^(ucloud|aws):\/\/([a-z0-9-]+)\/([A-Za-z0-9-]+)$/.exec(text);
  if (cloud === null) return undefined;
  return { ground: 'cloud', provider: cloud[1] as string, zone: cloud[2] as string, id: cloud[3] as string };
}
