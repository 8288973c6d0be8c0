import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gibi, mebi } from '#unit/bytes.ts';
import { ms, seconds, sleep } from '#unit/clock.ts';
import { nameOf, onFile } from '../../../support/local-calls.ts';
import { type LocalMachine, openLocalMachine } from '../../../support/local-machine.ts';

/**
 * What a disk holds after a power cut is what had reached it, and nothing that the kernel still had in memory. Here the disk is a file on a file
 * system that is frozen for the moment in which the file is copied: what was on its way then waits, and the copy is the disk after the cut.
 */
const within = seconds(60);
const staging = '/var/lib/kubelet/stage';
const folder = '/srv/power';
let machine: LocalMachine;

beforeAll(async () => {
  machine = await openLocalMachine(mebi(64));
  const { loop } = await machine.addDisk('ata-BELOW', gibi(1));
  await machine.must('mkfs.ext4', '-q', loop);
  await machine.must('mkdir', '-p', staging, folder, '/srv/below');
  await machine.must('mount', loop, '/srv/below');
  await machine.give({ directories: [folder] });
});
afterAll(() => machine.close());

const say = (text: string): Promise<string> => machine.must('sh', '-c', text);

/** Makes a file the disk of the folder. @shape its loop device */
async function insert(file: string): Promise<string> {
  const loop = (await say('losetup --find')).trim();
  await say(
    `[ -e ${loop} ] || mknod ${loop} b 7 ${loop.slice('/dev/loop'.length)}; losetup --direct-io=on ${loop} ${file}`,
  );
  return loop;
}

/** Writes one number after the other, each a line, and says each when it has been written: `sync` is heard when fsync has returned. */
const writer = `
import os, sys, time
file = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
for i in range(1, 10**9):
    os.write(file, b'%d\\n' % i)
    if sys.argv[2] == 'sync': os.fsync(file)
    else: time.sleep(0.001)
    print(i, flush=True)
`;

function startWriter(name: 'sync' | 'trust') {
  const args = ['--mount', '--target', `${machine.pid}`, '--', 'python3', '-c', writer, `${staging}/${name}`, name];
  const child = spawn('nsenter', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let last = 0;
  createInterface({ input: child.stdout }).on('line', (line) => {
    last = Number(line);
  });
  return {
    last: () => last,
    async end() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

const lastIn = async (name: string): Promise<number> =>
  Number((await say(`tail -n 1 ${staging}/${name} || true`)).trim());

test.each(['ext4', 'xfs'])(
  'after a power cut a volume with %s has everything that was synced, and works',
  async (type) => {
    const size = type === 'xfs' ? mebi(304) : mebi(64);
    const disk = `/srv/below/disk-${type}`;
    await say(`truncate -s 400M ${disk}`);
    const before = await insert(disk);
    await say(`mkfs.ext4 -q ${before} && mount ${before} ${folder}`);
    const server = await machine.start();
    const asked = {
      name: nameOf(1),
      capacityRange: { requiredBytes: BigInt(size) },
      volumeCapabilities: [onFile(type)],
    };
    const { volume } = await server.controller.createVolume(asked, { within });
    const staged = { volumeId: volume?.volumeId ?? '', stagingTargetPath: staging, volumeCapability: onFile(type) };
    await server.node.nodeStageVolume(staged, { within });
    const [synced, trusting] = [startWriter('sync'), startWriter('trust')];
    await expect.poll(() => Math.min(synced.last(), trusting.last()), { timeout: 20_000 }).toBeGreaterThan(20);
    await sleep(ms(500));
    const said = { synced: synced.last(), trusting: trusting.last() };
    const after = join(machine.shared, `after-${type}`);
    await say(`fsfreeze -f /srv/below && cp --sparse=always ${disk} ${after}; fsfreeze -u /srv/below`);

    // Nothing of the old disk is used again.
    for (const one of [synced, trusting]) await one.end();
    await server.node.nodeUnstageVolume(staged, { within });
    await server.kill();
    await say(`umount ${folder} && losetup -d ${before}`);
    const then = await insert(after);
    await say(`mount ${then} ${folder}`);
    const next = await machine.start();
    await next.node.nodeStageVolume(staged, { within });
    expect(await lastIn('sync')).toBeGreaterThanOrEqual(said.synced);
    // The same without fsync loses what it said: the cut is a cut.
    expect(await lastIn('trust')).toBeLessThan(said.trusting);
    await say(`echo on >${staging}/more && sync -f ${staging}/more`);
    await next.node.nodeUnstageVolume(staged, { within });
    await next.controller.deleteVolume({ volumeId: staged.volumeId }, { within });
    await next.kill();
    await say(`rm -r /var/lib/isthmus-volumes; umount ${folder} && losetup -d ${then}`);
  },
);
