import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Inside } from '#host/inside.ts';
import { observeMounts } from '#host/mounts.ts';
import { dial } from '#rpc/client.ts';
import { VolumeCapability_AccessMode_Mode as Mode, Node } from '#rpc/gen/csi_pb.js';
import { serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { seconds } from '#unit/clock.ts';
import { diskNode } from '../../../src/storage/node/disk-node.ts';
import { type DiskMachine, openDiskMachine } from '../../support/disk-machine.ts';

let machine: DiskMachine;
beforeAll(async () => {
  machine = await openDiskMachine();
});
afterAll(() => machine.close());

/** When the node's half is killed: in the middle of its command, or when that has ended and its answer is not read. */
const moments = ['within', 'after'] as const;
type Moment = (typeof moments)[number];

/** The machine for a program that is killed at its so-many-th command; from then on nothing it does happens. */
function untilKilled(
  inside: Inside,
  at: number,
  moment: Moment,
): { readonly inside: Inside; readonly ran: () => number } {
  let count = 0;
  return {
    ran: () => count,
    inside: {
      ...inside,
      async run(argv, opts) {
        const mine = count++;
        if (mine < at) return inside.run(argv, opts);
        // mkfs and its like are killed with the container that runs them.
        if (mine === at && moment === 'within')
          await inside.run(['timeout', '--signal', 'KILL', '0.004', ...argv], opts).catch(() => undefined);
        if (mine === at && moment === 'after') await inside.run(argv, opts);
        throw new Error('killed');
      },
    },
  };
}

const facts = { machine: 'uhost-1', region: 'cn-bj2', zone: 'cn-bj2-04', mostVolumes: 20 };
const within = seconds(30);

type Ask = ReturnType<typeof dial<typeof Node>>['ask'];

async function withNode<T>(inside: Inside, use: (ask: Ask) => Promise<T>): Promise<T> {
  const socket = join(machine.shared, 'csi.sock');
  const server = await serve(socket, [diskNode(inside, facts)], { note: () => {} });
  const { ask, close } = dial(socket, Node);
  try {
    return await use(ask);
  } finally {
    close();
    await server.close();
  }
}

/**
 * A volume's life on a node, each step of it asked again by a new program after the first was killed.
 * @shape how many commands the first program ran, and what is mounted after each step
 */
async function lifeKilledAt(at: number, moment: Moment, fsType: string) {
  const id = `bsr-${at}-${moment}-${fsType}`;
  const disk = await machine.makeDisk(id, gibi(1));
  await machine.attach(disk, 'vdb');
  const stagingTargetPath = `/var/lib/kubelet/${id}/globalmount`;
  const targetPath = `/var/lib/kubelet/${id}/pod/mount`;
  await machine.must('mkdir', '-p', stagingTargetPath);
  const asked = {
    volumeId: id,
    stagingTargetPath,
    targetPath,
    readonly: true,
    volumeCapability: {
      accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
      accessType: { case: 'mount' as const, value: { fsType } },
    },
    volumeContext: { 'isthmus.dev/made-blank': `${gibi(1)}` },
  };
  const steps: readonly ((ask: Ask) => Promise<unknown>)[] = [
    (ask) => ask.nodeStageVolume(asked, { within }),
    (ask) => ask.nodePublishVolume(asked, { within }),
    (ask) => ask.nodeUnpublishVolume(asked, { within }),
    (ask) => ask.nodeUnstageVolume(asked, { within }),
  ];
  const killed = untilKilled(machine.inside, at, moment);
  let dead = false;
  const seen: string[] = [];
  for (const step of steps) {
    if (!dead)
      dead = await withNode(killed.inside, (ask) =>
        step(ask).then(
          () => false,
          () => true,
        ),
      );
    if (dead) await withNode(machine.inside, step);
    const mounts = (await observeMounts(machine.inside)).filter(({ path }) => path.includes(`/${id}/`));
    seen.push(mounts.map((mount) => `${mount.path.split('/').at(-1)} ${mount.isReadOnly ? 'ro' : 'rw'}`).join());
  }
  await machine.detach('vdb');
  await machine.dropDisk(disk);
  return { commands: killed.ran(), seen };
}

test.each(['ext4', 'xfs'])(
  'killed within and after every command: %s',
  async (fsType) => {
    const whole = ['globalmount rw', 'globalmount rw,mount ro', 'globalmount rw', ''];
    const { commands, seen } = await lifeKilledAt(1000, 'after', fsType);
    expect(seen).toEqual(whole);
    for (let at = 0; at < commands; at++)
      for (const moment of moments) {
        const life = await lifeKilledAt(at, moment, fsType);
        expect(life.seen, `killed ${moment} command ${at}`).toEqual(whole);
      }
    // Or nothing was killed.
    expect(commands).toBeGreaterThan(8);
  },
  240_000,
);
