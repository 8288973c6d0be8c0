import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileShares } from '#cloud/file-share.ts';
import { parseMounts } from '#host/mounts.ts';
import { dial } from '#rpc/client.ts';
import { Controller, VolumeCapability_AccessMode_Mode as Mode } from '#rpc/gen/csi_pb.js';
import { RpcError } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { gibi } from '#unit/bytes.ts';
import { ms, seconds, sleep, uptime } from '#unit/clock.ts';
import type { ShareDriver, ShareHands } from './share-driver.ts';

/** When a program is killed: before a step has any effect, or when it has all of it and the answer is not read. */
export const moments = ['before', 'after'] as const;
export type Moment = (typeof moments)[number];

/** What a program works with that is killed at its so-many-th step; from then on nothing that it does has any effect. */
interface Mortal {
  readonly hands: ShareHands;
  readonly steps: () => readonly string[];
  readonly isDead: () => boolean;
}

function mortal({ machine, cloud }: ShareDriver, dieAt: number, moment: Moment): Mortal {
  const steps: string[] = [];
  let isDead = false;
  const die = (): never => {
    isDead = true;
    throw new Error('killed');
  };
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
    if (isDead) return die();
    const mine = steps.push(name) - 1;
    if (mine === dieAt && moment === 'before') return die();
    const done = await work();
    return mine === dieAt ? die() : done;
  };
  const { fileShares } = cloud.cloud;
  const asking = <K extends 'create' | 'grow' | 'remove' | 'open' | 'find' | 'list' | 'mountPoints'>(name: K) =>
    ((...args: never[]) =>
      step(name, () => (fileShares[name] as (...all: never[]) => Promise<unknown>)(...args))) as FileShares[K];
  return {
    steps: () => steps,
    isDead: () => isDead,
    hands: {
      inside: { ...machine.inside, run: (argv, opts) => step(argv.join(' '), () => machine.inside.run(argv, opts)) },
      shares: {
        ...fileShares,
        create: asking('create'),
        grow: asking('grow'),
        remove: asking('remove'),
        open: asking('open'),
        find: asking('find'),
        list: asking('list'),
        mountPoints: asking('mountPoints'),
      },
      // A change in a share: what is after it is what is before the next one.
      before: (_folder, name) => {
        if (isDead || steps.push(name) - 1 === dieAt) die();
      },
    },
  };
}

const within = seconds(30);
type Ask = ReturnType<typeof dial<typeof Controller>>['ask'];

/** A program that serves for as long as `use` takes. */
async function withController<T>(driver: ShareDriver, hands: ShareHands, use: (ask: Ask) => Promise<T>): Promise<T> {
  const socket = join(driver.machine.shared, 'mortal.sock');
  const server = await serve(socket, [driver.controllerWith(hands)], { note: () => {} });
  const { ask, close } = dial(socket, Controller);
  try {
    return await use(ask);
  } finally {
    close();
    await server.close();
  }
}

/** As the provisioner asks: again, as long as the answer says that it may work later. */
async function insist<T>(ask: () => Promise<T>): Promise<T> {
  for (const end = uptime() + within; ; await sleep(ms(50))) {
    try {
      return await ask();
    } catch (e) {
      const isLater = e instanceof RpcError && ['UNAVAILABLE', 'ABORTED'].includes(e.code);
      if (!isLater || uptime() > end) throw e;
    }
  }
}

/**
 * The life of a volume, made and removed, by a program that is killed at one of its steps, and by the next one from there.
 * @shape steps: those of the first program; left: what there is of the volume at the end, in the share, in the cloud and on the machine
 */
export async function shareLifeKilledAt(
  driver: ShareDriver,
  {
    name,
    parameters,
    dieAt,
    moment,
  }: {
    readonly name: string;
    readonly parameters: Readonly<Record<string, string>>;
    readonly dieAt: number;
    readonly moment: Moment;
  },
): Promise<{ readonly steps: readonly string[]; readonly wasKilled: boolean; readonly left: readonly string[] }> {
  const { share } = parameters;
  const first = mortal(driver, dieAt, moment);
  const call = async <T>(work: (ask: Ask) => Promise<T>): Promise<T> => {
    if (!first.isDead()) {
      const answer = await withController(driver, first.hands, work).catch((e: unknown) => {
        if (!first.isDead()) throw e;
        return undefined;
      });
      // What a dead program says is not heard.
      if (answer !== undefined && !first.isDead()) return answer;
    }
    return withController(driver, {}, (ask) => insist(() => work(ask)));
  };
  const asked = {
    name,
    parameters,
    capacityRange: { requiredBytes: BigInt(gibi(100)) },
    volumeCapabilities: [
      { accessMode: { mode: Mode.MULTI_NODE_MULTI_WRITER }, accessType: { case: 'mount' as const, value: {} } },
    ],
  };
  const { volume } = await call((ask) => ask.createVolume(asked, { within }));
  const volumeId = volume?.volumeId ?? '';
  if (share !== undefined) await writeFile(join(driver.filesOf(share), name, 'file'), 'x');
  await call((ask) => ask.deleteVolume({ volumeId }, { within }));
  return { steps: first.steps(), wasKilled: first.isDead(), left: await leftOf(driver, name, share) };
}

async function leftOf(driver: ShareDriver, name: string, share: string | undefined): Promise<readonly string[]> {
  const mounts = parseMounts(await driver.machine.inside.mountinfo());
  const listed = await driver.cloud.cloud.fileShares.list('shop', { within });
  const files =
    share === undefined
      ? []
      : [
          ...(await readdir(driver.filesOf(share))),
          ...(await readdir(join(driver.filesOf(share), '.isthmus', 'shop'))),
        ];
  return [
    ...mounts.map(({ path }) => path).filter((path) => path.startsWith('/run/isthmus/shares')),
    ...(listed.ok ? listed.value.map(({ id }) => id) : [JSON.stringify(listed.failure)]),
    ...files.filter((file) => file.includes(name)),
  ].toSorted();
}
