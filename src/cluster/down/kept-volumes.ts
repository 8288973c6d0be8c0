import { explainFailure } from '#cloud/failure.ts';
import { seconds } from '#unit/clock.ts';
import { few } from '#unit/few.ts';
import { mark, type Session } from '../session.ts';

/** Says which disks, snapshots and file shares of volumes stay in the cloud: what they hold is not the cluster's to delete. */
export async function tellKeptVolumes(session: Session): Promise<void> {
  const { cloud, config, report } = session;
  const within = { within: seconds(30) };
  const disks = await cloud.disks.list(mark(session), within);
  const snapshots = await cloud.snapshots.list(mark(session), within);
  const shares = await cloud.fileShares.list(mark(session), within);
  const kept = [
    { one: 'disk', ids: disks.ok ? disks.value.map(({ id }) => id) : [] },
    { one: 'snapshot', ids: snapshots.ok ? snapshots.value.map(({ id }) => id) : [] },
    { one: 'file share', ids: shares.ok ? shares.value.map(({ id }) => id) : [] },
  ].filter(({ ids }) => ids.length > 0);
  const what = kept.map(({ one, ids }) => `${ids.length} ${one}${ids.length === 1 ? '' : 's'} (${few(ids)})`);
  if (kept.length > 0)
    report.say(
      `volumes stay in the cloud: ${what.join(', ')}; they hold data and are billed: delete them in the provider's console when nobody needs them`,
    );
  const failed = [disks, snapshots].find(({ ok }) => !ok);
  // Keys of a cluster without disks need no right to see any.
  if (failed?.ok === false && config.storage.cloudDisks)
    report.say(`cannot check whether disks of volumes are left in the cloud: ${explainFailure(failed.failure)}`);
  if (!shares.ok && config.storage.fileShares)
    report.say(`cannot check whether file shares of volumes are left in the cloud: ${explainFailure(shares.failure)}`);
}
