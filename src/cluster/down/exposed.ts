import type { Cloud } from '#cloud/cloud.ts';
import { type CloudResult, explainFailure } from '#cloud/failure.ts';
import type { Leisurely, Within } from '#cloud/owned.ts';
import { minutes, seconds } from '#unit/clock.ts';
import { askCloud, mark, type Session } from '../session.ts';

/** What Services and Ingresses of the cluster have in the cloud, and cost: what carries its mark. */
export interface Exposed {
  readonly what: What;
  readonly id: string;
}

type What = (typeof whats)[number];

/** In this order they go: addresses are bound to balancers, and balancers use certificates. */
const whats = [
  'public address',
  'load balancer',
  'classic load balancer',
  'application load balancer',
  'certificate',
] as const;

interface Kept {
  list(mark: string, opts: Leisurely): Promise<CloudResult<readonly { readonly id: string }[]>>;
  remove(id: string, mark: string, opts: Within): Promise<CloudResult<void>>;
}

/** Keys that may not see something are told, and no reason to leave the rest. */
export async function exposedOf(session: Session): Promise<readonly Exposed[]> {
  const found: Exposed[] = [];
  const unread = new Set<string>();
  for (const what of whats) {
    const listed = await keptAs(what, session.cloud).list(mark(session), { within: seconds(30) });
    if (listed.ok) found.push(...listed.value.map(({ id }) => ({ what, id })));
    else unread.add(explainFailure(listed.failure));
  }
  if (unread.size > 0)
    session.report.say(
      `cannot check whether load balancers of Services are left in the cloud: ${[...unread].join('; ')}`,
    );
  return found;
}

export function removeExposed(session: Session, { what, id }: Exposed): Promise<void> {
  return session.report.step(`remove ${what} ${id}`, `it carries the mark ${mark(session)}`, () =>
    askCloud(session, `removing ${what} ${id}`, () =>
      keptAs(what, session.cloud).remove(id, mark(session), { within: minutes(2) }),
    ),
  );
}

function keptAs(
  what: What,
  { balancers, directBalancers, applicationBalancers, publicAddresses, certificates }: Cloud,
): Kept {
  switch (what) {
    case 'public address':
      return { list: publicAddresses.list, remove: publicAddresses.release };
    case 'load balancer':
      return balancers;
    case 'classic load balancer':
      return directBalancers;
    case 'application load balancer':
      return applicationBalancers;
    case 'certificate':
      return certificates;
  }
}
