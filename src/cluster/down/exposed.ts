import { explainFailure } from '#cloud/failure.ts';
import { minutes, seconds } from '#unit/clock.ts';
import { askCloud, mark, type Session } from '../session.ts';

/** What Services of the cluster have in the cloud, and cost: load balancers and public addresses that carry its mark. */
export interface Exposed {
  readonly what: 'load balancer' | 'public address';
  readonly id: string;
}

/** Addresses first: they are bound to balancers. Keys that may not see them are told, and no reason to leave the rest. */
export async function exposedOf(session: Session): Promise<readonly Exposed[]> {
  const { balancers, publicAddresses } = session.cloud;
  const within = seconds(30);
  const addresses = await publicAddresses.list(mark(session), { within });
  const listed = addresses.ok ? await balancers.list(mark(session), { within }) : addresses;
  if (addresses.ok && listed.ok)
    return [
      ...addresses.value.map(({ id }): Exposed => ({ what: 'public address', id })),
      ...listed.value.map(({ id }): Exposed => ({ what: 'load balancer', id })),
    ];
  const why = listed.ok ? '' : explainFailure(listed.failure);
  session.report.say(`cannot check whether load balancers of Services are left in the cloud: ${why}`);
  return [];
}

export function removeExposed(session: Session, { what, id }: Exposed): Promise<void> {
  const { balancers, publicAddresses } = session.cloud;
  const remove = what === 'load balancer' ? balancers.remove : publicAddresses.release;
  return session.report.step(`remove ${what} ${id}`, `it carries the mark ${mark(session)}`, () =>
    askCloud(session, `removing ${what} ${id}`, () => remove(id, mark(session), { within: minutes(2) })),
  );
}
