import type { Bytes } from '#unit/bytes.ts';
import { fail, ok } from '#unit/result.ts';
import { type CloudDisk, type DiskWish, sourceKey } from '../disk.ts';
import type { CloudFailure, CloudResult } from '../failure.ts';
import { answerWithin } from '../shared-look.ts';
import { chooseOldest } from './balancers.ts';
import { diskKinds, gibOf } from './disk-kinds.ts';
import { findDisk, listDisks } from './list-disks.ts';
import { findSnapshot } from './list-snapshots.ts';
import type { LookAtDisk } from './look-at-disks.ts';
import { findSurely, type MachinesAt } from './machines.ts';
import { cameToBe, looksAtDoubt, makeOnce } from './make-once.ts';
import { doneIfGone, foreign, isDoubtful, noneTold, refused } from './outcomes.ts';
import { diskName } from './parse-disk.ts';
import { tagOf } from './parse-machine.ts';
import { planDisk, planGrow, planRemovalOfDisk, type SourceSeen } from './plan-disk.ts';
import { type Deadline, shareOf } from './wire/deadline.ts';
import { accepted, disksMade } from './wire/shapes.ts';

/** What a create looks at before and after: one list serves all creates of a mark that wait for one. */
export type LookAtMark = (mark: string) => Promise<CloudResult<readonly CloudDisk[]>>;

export function listOfMark(
  at: MachinesAt,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<readonly CloudDisk[]>> {
  return listDisks(at, { Tag: tagOf(mark) }, deadline);
}

/** One disk for one owner. */
export async function createDisk(
  at: MachinesAt,
  look: LookAtMark,
  wish: DiskWish,
  deadline: Deadline,
): Promise<CloudResult<CloudDisk>> {
  const findOwned = async (): Promise<CloudResult<CloudDisk | undefined>> => {
    const listed = await answerWithin(look(wish.mark), deadline.left());
    if (listed === undefined) return fail(noList(wish.mark));
    return listed.ok ? ok(chooseOldest(listed.value, wish)) : listed;
  };
  return makeOnce(
    {
      look: findOwned,
      ask: (share) => askForDisk(at, wish, share),
      sight: ({ id, action: asked }) => (id === undefined ? fail(noneTold(asked)) : ok(acceptedDisk(wish, id))),
      poll: at.poll,
    },
    deadline,
  );
}

async function askForDisk(
  at: MachinesAt,
  wish: DiskWish,
  deadline: Deadline,
): Promise<CloudResult<{ readonly id: string | undefined; readonly action: string }>> {
  const source = await seeSource(at, wish, deadline);
  if (!source.ok) return source;
  const cluster = await clusterNear(at, wish, deadline);
  if (!cluster.ok) return cluster;
  const name = diskName(wish.owner, wish.source);
  const step = planDisk(wish, { name, source: source.value, cluster: cluster.value });
  if (step.do === 'refuse') return fail(refused('CreateUDisk', step));
  const { action: asked, params } = step;
  const answer = await at.wire.call({ action: asked, effect: 'once', params, shape: disksMade }, deadline);
  return answer.ok ? ok({ id: answer.value[0], action: asked }) : answer;
}

async function seeSource(
  at: MachinesAt,
  { source }: DiskWish,
  deadline: Deadline,
): Promise<CloudResult<SourceSeen | undefined>> {
  switch (source.from) {
    case 'nothing':
      return ok(undefined);
    case 'disk': {
      const disk = await findDisk(at, source.disk, deadline);
      return disk.ok ? ok({ from: 'disk', disk: disk.value }) : disk;
    }
    case 'snapshot': {
      const snapshot = await findSnapshot(at, source.snapshot, deadline);
      return snapshot.ok ? ok({ from: 'snapshot', snapshot: snapshot.value }) : snapshot;
    }
  }
}

/** Read when it is needed: both disks and machines are moved by the cloud. */
async function clusterNear(
  at: MachinesAt,
  { kind, near }: DiskWish,
  deadline: Deadline,
): Promise<CloudResult<string | undefined>> {
  if (near === undefined || diskKinds[kind]?.hasClusters !== true) return ok(undefined);
  const machine = await findSurely(at, near, looksAtDoubt, deadline);
  return machine.ok ? ok(machine.value.diskCluster) : machine;
}

/** As it was accepted: no list need show it yet. */
function acceptedDisk(wish: DiskWish, id: string): CloudDisk {
  const { mark, owner, zone, kind, size, source, charge, encryptionKey, snapshotService } = wish;
  return {
    id,
    serial: id,
    mark,
    owner,
    zone,
    kind,
    size,
    createdAt: 0,
    state: source.from === 'nothing' ? 'creating' : 'copying',
    machine: undefined,
    cluster: undefined,
    source: sourceKey(source),
    snapshots: { count: 0, most: 0, can: snapshotService },
    charge,
    encryptionKey,
  };
}

export async function growDisk(at: MachinesAt, id: string, to: Bytes, deadline: Deadline): Promise<CloudResult<void>> {
  const asked = 'ResizeUDisk';
  const seen = await findDisk(at, id, deadline);
  if (!seen.ok) return seen;
  const step = planGrow(seen.value, to);
  if (step.do === 'done') return ok();
  if (step.do === 'refuse') return fail(refused(asked, step));
  const params = { Zone: seen.value.zone, UDiskId: id, Size: gibOf(to) };
  const call = { action: asked, effect: 'once', params, shape: accepted } as const;
  const answer = await at.wire.call(call, shareOf(deadline, 0.7));
  if (answer.ok || !isDoubtful(answer.failure)) return answer.ok ? ok() : answer;
  const isLarge = async (): Promise<boolean> => {
    const now = await findDisk(at, id, deadline);
    return now.ok && now.value.size >= to;
  };
  return (await cameToBe(isLarge, at.poll, deadline)) ? ok() : answer;
}

export async function removeDisk(
  at: MachinesAt & { readonly lookAt: LookAtDisk },
  id: string,
  mark: string,
  deadline: Deadline,
): Promise<CloudResult<void>> {
  const asked = 'DeleteUDisk';
  const seen = await at.lookAt(id, deadline);
  if (!seen.ok) return doneIfGone(seen);
  if (seen.value.mark !== mark) return fail(foreign(asked, id, mark));
  const step = planRemovalOfDisk(seen.value);
  if (step.do === 'refuse') return fail(refused(asked, step));
  const params = { Zone: seen.value.zone, UDiskId: id };
  return doneIfGone(await at.wire.call({ action: asked, effect: 'repeatable', params, shape: accepted }, deadline));
}

function noList(mark: string): CloudFailure {
  const message = `no list of the disks of "${mark}" came before the deadline; nothing was asked for`;
  return { kind: 'unavailable', raw: { action: 'DescribeUDisk', code: 'turn', message } };
}
