import { createHash } from 'node:crypto';
import type { IngressObject } from '#kube/resources.ts';
import { ownPrefix } from '../annotations.ts';
import { parseRecord } from '../record.ts';
import { ingressAnnotations } from './annotations.ts';
import { type ClassesSeen, isClaimed, isOurs } from './ingress.ts';

const { group } = ingressAnnotations.annotations;

/** How an Ingress stands to groups. @unit both: the group's UID, its owner in the cloud */
export interface Membership {
  /** Where it wants to be served; `undefined` for one that is not ours, or is being deleted. */
  readonly wants: string | undefined;
  /** Where something may have been made for it. */
  readonly has: string | undefined;
  /** Nobody knows any more whose it is: it stays where it is. */
  readonly isUnclear: boolean;
}

export function membershipOf(ingress: IngressObject, classes: ClassesSeen): Membership {
  const { metadata } = ingress;
  const ours = isOurs(ingress, classes);
  const has = isClaimed(ingress) ? (parseRecord(metadata.annotations).group ?? groupOf(ingress, undefined)) : undefined;
  if (metadata.deletionTimestamp !== undefined) return { wants: undefined, has, isUnclear: false };
  if (ours === 'unclear') return { wants: has, has, isUnclear: has !== undefined };
  return { wants: ours ? groupOf(ingress, has) : undefined, has, isUnclear: false };
}

/** The UID of an Ingress without a group; else one that its namespace and the group's name always lead to. */
function groupOf({ metadata }: IngressObject, has: string | undefined): string | undefined {
  const name = metadata.annotations?.[`${ownPrefix}group`];
  if (name === undefined) return metadata.uid;
  // What cannot be a name is refused, and is no reason to leave.
  if (!group.pattern.test(name)) return has ?? metadata.uid;
  const digest = createHash('sha256')
    .update(`ingress group ${metadata.namespace ?? ''}/${name}`)
    .digest('hex');
  // Version 8 is for those that are made by a rule of one's own. @source RFC 9562 5.8
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-8${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`;
}
