import { copyFile, open, readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import type { Inside } from '#host/inside.ts';
import { dial } from '#rpc/client.ts';
import { VolumeCapability_AccessMode_Mode as Mode, Node } from '#rpc/gen/csi_pb.js';
import type { RpcError } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { mebi } from '#unit/bytes.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { diskNode } from '../../src/storage/node/disk-node.ts';
import { formatMarkBytes, markPlace } from '../../src/storage/node/format-mark.ts';
import { type DiskMachine, openDiskMachine, type TestDisk } from './disk-machine.ts';

/** What devices hold when they come to a node. All but the first three hold something that must not be lost. */
const contents = [
  'blank',
  'killed-mkfs',
  'killed-mkfs-with-file-system',
  'ext4',
  'xfs',
  'ext4-broken-superblock',
  'ext4-broken-front',
  'xfs-broken-superblock',
  'luks',
  'luks-second-header',
  'lvm',
  'gpt',
  'raid-at-the-end',
  'unknown-bytes',
  'far-bytes',
  'killed-mkfs-of-another',
] as const;
type Content = (typeof contents)[number];
const holdsNothing: readonly Content[] = ['blank', 'killed-mkfs', 'killed-mkfs-with-file-system'];

/** What goes wrong meanwhile. */
const faults = [
  'none',
  'no-link',
  'wrong-link',
  'late',
  'missing',
  'swapped-before',
  'swapped-while-looking',
  'short-read',
  'input-output-error',
  'blkid-sees-nothing',
  'blkid-fails',
  'blkid-hangs',
  'fsck-killed',
  'mkfs-killed',
] as const;
type Fault = (typeof faults)[number];

export interface NeverFormatTold {
  readonly calls: number;
  /** Of devices that held something, whatever they held. */
  readonly formattedWithData: number;
  /** Blank devices, and what killed formats left. */
  readonly formattedBlank: number;
  readonly mountedWithData: number;
  readonly refused: number;
  /** Blank devices that nothing was wrong with, and that were not formatted. */
  readonly strandedBlank: number;
  /** What was seen that must not be, with its seed. */
  readonly wrongs: readonly string[];
}

const size = mebi(320);
const volume = 'bsr-0001';
const other = 'bsr-other';

/**
 * Stages devices that hold something, or nothing, while something goes wrong, on real loop devices with the machine's real tools. Each volume is recorded as
 * made blank, as every volume is that was: so only what the node sees protects it. Sectors written are counted by the kernel.
 */
export async function tryToFormat({
  calls,
  seed,
}: {
  readonly calls: number;
  readonly seed: number;
}): Promise<NeverFormatTold> {
  const machine = await openDiskMachine();
  const trouble: Trouble = { fault: 'none', kills: 0, meet: async () => {} };
  const server = await serve(
    join(machine.shared, 'csi.sock'),
    [diskNode(troubled(machine.inside, trouble), { machine: 'uhost-1', region: 'r', zone: 'z', mostVolumes: 20 })],
    { note: () => {} },
  );
  const node = dial(join(machine.shared, 'csi.sock'), Node);
  try {
    const templates = await makeTemplates(machine, node.ask);
    // A disk of somebody else, with data.
    const bystander = await machine.makeDisk(other, size, (image) => copyFile(templates.ext4, image));
    const told = { calls, formattedWithData: 0, formattedBlank: 0, mountedWithData: 0, refused: 0, strandedBlank: 0 };
    const wrongs: string[] = [];
    const schedule = fc.record({ content: fc.constantFrom(...contents), fault: fc.constantFrom(...faults) });
    for (const { content, fault } of fc.sample(schedule, { numRuns: calls, seed })) {
      const came = await stageOnce(machine, node.ask, templates, bystander, trouble, { content, fault });
      const isEmpty = holdsNothing.includes(content);
      if (came.wrong !== undefined) wrongs.push(`${content}, ${fault}: ${came.wrong}`);
      if (came.formatted && isEmpty) told.formattedBlank++;
      if (came.formatted && !isEmpty) {
        told.formattedWithData++;
        wrongs.push(`${content}, ${fault}: formatted`);
      }
      if (came.staged && !came.formatted) told.mountedWithData++;
      if (!came.staged) told.refused++;
      if (!came.staged && isEmpty && ['none', 'no-link', 'late', 'fsck-killed', 'mkfs-killed'].includes(fault)) {
        told.strandedBlank++;
        wrongs.push(`${content}, ${fault}: ${came.refusal}`);
      }
    }
    return { ...told, wrongs };
  } finally {
    node.close();
    await server.close();
    await machine.close();
  }
}

interface Trouble {
  fault: Fault;
  kills: number;
  /** What happens the next time that blkid is asked. */
  meet: () => Promise<void>;
}

/** A program that is killed when it has begun: sooner and later, by a fixed rule. */
function killedSoon(trouble: Trouble, argv: readonly string[]): readonly string[] {
  trouble.fault = 'none';
  trouble.kills++;
  return ['timeout', '--signal', 'KILL', `${0.005 + (trouble.kills % 8) * 0.005}`, ...argv];
}

/** The machine with a fault. Reads of the device that end early or fail come from a file that is as broken. */
function troubled(inside: Inside, trouble: Trouble): Inside {
  return {
    ...inside,
    async run(argv, opts) {
      const [command = ''] = argv;
      if (command !== 'blkid') {
        const isKilled =
          (command === 'e2fsck' && trouble.fault === 'fsck-killed') ||
          (command.startsWith('mkfs.') && trouble.fault === 'mkfs-killed');
        return inside.run(isKilled ? killedSoon(trouble, argv) : argv, opts);
      }
      await trouble.meet();
      if (trouble.fault === 'blkid-sees-nothing')
        return { code: 0, stdout: 'DEVNAME=/dev/vdb\nLOGICAL_SECTOR_SIZE=512\n', stderr: '' };
      if (trouble.fault === 'blkid-fails') return { code: 2, stdout: '', stderr: '' };
      if (trouble.fault === 'blkid-hangs') throw new Error('blkid: not done within 60.0 s');
      return inside.run(argv, opts);
    },
  };
}

type Ask = ReturnType<typeof dial<typeof Node>>['ask'];
type Templates = Readonly<Record<'ext4' | 'xfs', string>>;
const staging = '/var/lib/kubelet/stage';

function asked(volumeId: string, fsType: string) {
  return {
    volumeId,
    stagingTargetPath: staging,
    volumeCapability: {
      accessMode: { mode: Mode.SINGLE_NODE_MULTI_WRITER },
      accessType: { case: 'mount' as const, value: { fsType } },
    },
    volumeContext: { 'isthmus.dev/made-blank': `${size}` },
  };
}

/** Images of volumes that hold a file, as this driver made them. */
async function makeTemplates(machine: DiskMachine, ask: Ask): Promise<Templates> {
  await machine.must('mkdir', '-p', staging);
  const make = async (type: 'ext4' | 'xfs'): Promise<string> => {
    const disk = await machine.makeDisk(`template-${type}`, size);
    await machine.attach(disk, 'vdb');
    await ask.nodeStageVolume(asked(disk.serial, type), { within: seconds(60) });
    await machine.must('sh', '-c', `echo precious >${staging}/file && sync`);
    await ask.nodeUnstageVolume({ volumeId: disk.serial, stagingTargetPath: staging }, { within: seconds(60) });
    await machine.detach('vdb');
    return disk.image;
  };
  return { ext4: await make('ext4'), xfs: await make('xfs') };
}

/** Writes into an image. */
async function put(
  image: string,
  ...written: readonly (readonly [at: number, bytes: string | Buffer])[]
): Promise<void> {
  const file = await open(image, 'r+');
  for (const [at, bytes] of written) {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes;
    await file.write(buffer, 0, buffer.length, at);
  }
  await file.close();
}

const uuid = '6c1fa2a6-0000-4000-8000-000000000001';

function mark(of: string): readonly [number, Buffer] {
  return [markPlace(size), formatMarkBytes({ state: 'begun', volume: of, type: 'ext4', uuid })];
}

/** Rubbish as a killed mkfs leaves it: no superblock, and something where its tables go. */
const rubbish = [4096, 'tables of a file system'] as const;

/** The image that a device of this content has behind it. */
async function fill(machine: DiskMachine, disk: TestDisk, templates: Templates, content: Content): Promise<void> {
  const { image } = disk;
  const copy = (type: 'ext4' | 'xfs') => machine.must('cp', '--sparse=always', templates[type], image);
  switch (content) {
    case 'blank':
      return;
    case 'killed-mkfs':
      return put(image, mark(volume), rubbish);
    case 'killed-mkfs-with-file-system':
      await machine.must('mkfs.ext4', '-q', '-F', '-E', 'nodiscard', '-U', uuid, image, `${markPlace(size) / 1024}k`);
      return put(image, mark(volume));
    case 'killed-mkfs-of-another':
      return put(image, mark(other), rubbish);
    case 'ext4':
    case 'xfs':
      await copy(content);
      return;
    case 'ext4-broken-superblock':
      await copy('ext4');
      return put(image, [1024, Buffer.alloc(1024)]);
    case 'ext4-broken-front':
      await copy('ext4');
      return put(image, [0, Buffer.alloc(2 ** 20)]);
    case 'xfs-broken-superblock':
      await copy('xfs');
      return put(image, [0, Buffer.alloc(512)]);
    case 'luks':
      return put(image, [0, 'LUKS\xba\xbe\x00\x02']);
    case 'luks-second-header':
      return put(image, [0x4000, 'SKUL\xba\xbe\x00\x02']);
    case 'lvm':
      return put(image, [512, 'LABELONE']);
    case 'gpt':
      return put(image, [512, 'EFI PART'], [510, '\x55\xaa']);
    case 'raid-at-the-end':
      return put(image, [size - 8192, '\xfc\x4e\x2b\xa9']);
    case 'unknown-bytes':
      return put(image, [5_000_000, 'something that no program knows']);
    case 'far-bytes':
      return put(image, [size - 100, 'something at the end']);
  }
}

interface Came {
  readonly staged: boolean;
  readonly formatted: boolean;
  readonly refusal: string;
  readonly wrong: string | undefined;
}

async function stageOnce(
  machine: DiskMachine,
  ask: Ask,
  templates: Templates,
  bystander: TestDisk,
  trouble: Trouble,
  { content, fault }: { readonly content: Content; readonly fault: Fault },
): Promise<Came> {
  const disk = await machine.makeDisk(volume, size, (image) =>
    fill(machine, { serial: volume, loop: '', image }, templates, content),
  );
  const before = [await written(disk), await written(bystander)];
  await plugIn(machine, disk, bystander, trouble, fault);
  const fsType = content.startsWith('xfs') ? 'xfs' : 'ext4';
  const stage = async (): Promise<RpcError | undefined> =>
    ask.nodeStageVolume(asked(volume, fsType), { within: fault === 'missing' ? ms(700) : seconds(20) }).then(
      () => undefined,
      (e: unknown) => e as RpcError,
    );
  let refused = await stage();
  // As kubelet does: what was killed in the middle, or takes longer than the call may, is taken up by the next call.
  for (let tries = 0; tries < 20 && refused !== undefined && mayGoOn(refused, fault, tries); tries++)
    refused = await stage();
  const refusal = refused?.message ?? '';
  trouble.fault = 'none';
  trouble.meet = async () => {};
  const staged = refusal === '';
  const file = staged ? await readFile(machine.inside.at(`${staging}/file`), 'utf8').catch(() => undefined) : undefined;
  const formatted = staged ? file === undefined : (await written(disk)) !== before[0] && !mayRepair(content, fault);
  const wrong = (await written(bystander)) === before[1] ? undefined : 'another disk was written to';
  await unstage(ask);
  for (const name of ['vdb', 'vdc']) await machine.detach(name);
  await machine.dropDisk(disk);
  return { staged, formatted, refusal, wrong };
}

/** Whether the same call may have another answer: the first of a killed mkfs, and one that was still going on. */
function mayGoOn({ code }: RpcError, fault: Fault, tries: number): boolean {
  if (fault === 'missing') return false;
  return (fault === 'mkfs-killed' && tries === 0) || code === 'ABORTED' || code === 'DEADLINE_EXCEEDED';
}

/** A call whose caller has hung up keeps its volume until it has ended. */
async function unstage(ask: Ask): Promise<void> {
  await waitFor(
    'the volume to be unstaged',
    async () => {
      await ask.nodeUnstageVolume({ volumeId: volume, stagingTargetPath: staging }, { within: seconds(20) });
      return true;
    },
    { within: minutes(3), every: ms(100) },
  );
}

/** A check of a file system that is there may write to it, also when it is killed. */
function mayRepair(content: Content, fault: Fault): boolean {
  return content === 'ext4' && fault === 'fsck-killed';
}

async function plugIn(
  machine: DiskMachine,
  disk: TestDisk,
  bystander: TestDisk,
  trouble: Trouble,
  fault: Fault,
): Promise<void> {
  trouble.fault = fault;
  switch (fault) {
    case 'no-link':
      return machine.attach(disk, 'vdb', { link: false });
    case 'wrong-link':
      await machine.attach(bystander, 'vdc');
      await machine.attach(disk, 'vdb');
      await machine.link(disk.serial, 'vdc');
      // It is put right after a while.
      setTimeout(() => void machine.link(disk.serial, 'vdb').catch(() => undefined), 100);
      return;
    case 'late':
      setTimeout(() => void machine.attach(disk, 'vdb').catch(() => undefined), 100);
      return;
    case 'missing':
      return machine.attach(bystander, 'vdb');
    case 'swapped-before':
      await machine.attach(bystander, 'vdb');
      return machine.attach(disk, 'vdc');
    case 'swapped-while-looking':
      await machine.attach(disk, 'vdb');
      trouble.meet = async () => {
        trouble.meet = async () => {};
        await machine.detach('vdb');
        await machine.attach(bystander, 'vdb');
      };
      return;
    case 'short-read':
      await machine.attach(disk, 'vdb');
      return truncate(disk.image, mebi(300));
    case 'input-output-error':
      await machine.attach(disk, 'vdb');
      return truncate(disk.image, mebi(1));
    case 'none':
    case 'blkid-sees-nothing':
    case 'blkid-fails':
    case 'blkid-hangs':
    case 'fsck-killed':
    case 'mkfs-killed':
      return machine.attach(disk, 'vdb');
  }
}

/** Sectors that were ever written to the device. @source Linux Documentation/block/stat.rst, the seventh field */
async function written({ loop }: TestDisk): Promise<number> {
  const stat = await readFile(`/sys/block/${loop.slice(5)}/stat`, 'utf8');
  return Number(stat.trim().split(/\s+/)[6]);
}

/** What several of them came to. */
export function addUp(all: readonly NeverFormatTold[]): NeverFormatTold {
  const sum = (of: (told: NeverFormatTold) => number): number => all.reduce((before, told) => before + of(told), 0);
  return {
    calls: sum(({ calls }) => calls),
    formattedWithData: sum(({ formattedWithData }) => formattedWithData),
    formattedBlank: sum(({ formattedBlank }) => formattedBlank),
    mountedWithData: sum(({ mountedWithData }) => mountedWithData),
    refused: sum(({ refused }) => refused),
    strandedBlank: sum(({ strandedBlank }) => strandedBlank),
    wrongs: all.flatMap(({ wrongs }) => wrongs),
  };
}

/** For people. */
export function formatNeverFormat(told: NeverFormatTold): string {
  const { calls, formattedWithData, formattedBlank, mountedWithData, refused } = told;
  return `${calls} calls: ${formattedBlank} formats of blank devices, ${mountedWithData} mounts of file systems that were there, ${refused} refusals, ${formattedWithData} formats of a device that held data`;
}
