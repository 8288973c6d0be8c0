import { groundOf } from '#capability/ground.ts';
import { seesPrefix } from '#kube/api/cut.ts';
import type { NodeObject } from '#kube/resources.ts';
import type { Ms } from '#unit/clock.ts';
import type { Look } from './plan-verdict.ts';

/** What one neighbour told of one silent machine, as this process knows it. */
export interface Told {
  readonly by: string;
  readonly of: string;
  readonly sees: boolean;
  /** When the neighbour looked, by its own clock: only to tell which of two is the newer one. */
  readonly looked: string;
  /** When this process learnt of it, by its own; `undefined`: it was there before the process was, nobody knows for how long. */
  readonly arrived: Ms | undefined;
}

/**
 * What neighbours have told, after one more look at the Nodes. What comes late, on a connection that stood still during a cut, is older than what
 * the same neighbour has told since, and counts for nothing.
 */
export function toldAfter(before: readonly Told[] | undefined, nodes: readonly NodeObject[], at: Ms): readonly Told[] {
  return nodes.flatMap((node) => {
    const by = node.metadata.name;
    // Of a Node of the cloud nobody believes it: it is no neighbour.
    if (groundOf(node).ground !== 'site') return [];
    return (node.status?.conditions ?? []).flatMap(({ type, status, lastHeartbeatTime }): readonly Told[] => {
      if (!type.startsWith(seesPrefix)) return [];
      const of = type.slice(seesPrefix.length);
      const looked = lastHeartbeatTime ?? '';
      const known = before?.find((one) => one.by === by && one.of === of);
      if (known !== undefined && looked <= known.looked) return [known];
      return [{ by, of, sees: status === 'True', looked, arrived: before === undefined ? undefined : at }];
    });
  });
}

/** Those of one machine that count at all, from neighbours that are heard themselves. */
export function looksAt(
  of: string,
  told: readonly Told[],
  isSilent: (name: string) => boolean,
  at: Ms,
): readonly Look[] {
  return told.flatMap(({ of: whom, by, sees, arrived }) =>
    whom !== of || by === of || arrived === undefined || isSilent(by) ? [] : { by, sees, age: (at - arrived) as Ms },
  );
}

/** A machine of the site to look at. */
export interface Neighbour {
  readonly name: string;
  readonly address: string;
}

/**
 * Which machines a machine of the site looks at: those that the API server does not hear, each by the five that follow it in the order of names,
 * so that a dead machine of a large site does not make all others write.
 */
export function planLooks(own: string, nodes: readonly NodeObject[]): readonly Neighbour[] {
  const site = nodes.filter((node) => groundOf(node).ground === 'site');
  const heard = site.filter((node) => !isSilent(node)).map(({ metadata }) => metadata.name);
  return site
    .filter((node) => isSilent(node) && witnessesOf(node.metadata.name, heard).includes(own))
    .flatMap(({ metadata: { name }, status }) => {
      const address = status?.addresses?.find(({ type }) => type === 'InternalIP')?.address;
      return address === undefined ? [] : { name, address };
    })
    .toSorted((a, b) => a.name.localeCompare(b.name));
}

/** How many machines of the site are to look at one that is silent. */
export function witnessCount(name: string, site: readonly NodeObject[]): number {
  const heard = site.filter((node) => !isSilent(node)).map(({ metadata }) => metadata.name);
  return witnessesOf(name, heard).length;
}

function witnessesOf(name: string, heard: readonly string[]): readonly string[] {
  const sorted = heard.toSorted();
  const next = sorted.findIndex((one) => one > name);
  const from = next === -1 ? 0 : next;
  return [...sorted.slice(from), ...sorted.slice(0, from)].slice(0, mostWitnesses);
}

/** Nobody hears its kubelet: Kubernetes has said so after 50 s. */
export function isSilent({ status }: NodeObject): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'Unknown') ?? false;
}

const mostWitnesses = 5;
