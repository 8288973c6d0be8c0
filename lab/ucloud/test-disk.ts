import { ms, seconds, waitFor } from '#unit/clock.ts';
import type { Answer, TestCloud } from './test-cloud.ts';
import type { UdiskRecord } from './udisk/state.ts';

type Params = Readonly<Record<string, string | number>>;

/** What a create must name, and some of what it may. */
export const diskWish = { Name: 'pvc-1', Size: 20, DiskType: 'SSDDataDisk', ChargeType: 'Dynamic', Tag: 'shop' };

/** A disk as DescribeUDisk tells it; in any zone, unless `params` say otherwise. */
export async function seenDisk(test: TestCloud, id: string, params: Params = {}): Promise<Answer | undefined> {
  const answer = await test.call('DescribeUDisk', { UDiskId: id, Zone: '', ProtocolVersion: 1, ...params });
  return (answer.DataSet as readonly Answer[])[0];
}

/** Waits until the API reports this state. */
export async function waitForDisk(test: TestCloud, id: string, status: string): Promise<Answer> {
  return waitFor(
    `${id} to be ${status}`,
    async () => {
      const disk = await seenDisk(test, id);
      if (disk?.Status !== status) throw new Error(`it is ${String(disk?.Status)}`);
      return disk;
    },
    { within: seconds(20), every: ms(5) },
  );
}

/** A disk that is Available. */
export async function makeDisk(test: TestCloud, params: Params = {}): Promise<string> {
  const created = await test.call('CreateUDisk', { ...diskWish, ...params });
  if (created.RetCode !== 0) throw new Error(`creating a disk: ${JSON.stringify(created)}`);
  const [id] = created.UDiskId as readonly [string];
  await waitForDisk(test, id, 'Available');
  return id;
}

/** The oldest disk as the cloud keeps it. */
export function firstDisk({ cloud }: TestCloud): UdiskRecord {
  const [disk] = cloud.objects().udisks;
  if (disk === undefined) throw new Error('there is no disk');
  return disk;
}
