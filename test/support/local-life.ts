import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import { RpcError } from '#rpc/rpc.ts';
import { type Bytes, mebi } from '#unit/bytes.ts';
import { ms, seconds, sleep, uptime } from '#unit/clock.ts';
import { asBlock, nameOf, onFile } from './local-calls.ts';
import { type LocalMachine, type LocalServer, pool, type StepSeen } from './local-machine.ts';

const within = seconds(60);
const staging = '/var/lib/kubelet/life/stage';
const target = '/var/lib/kubelet/life/pod/mount';

/** A server that is killed, and started again by whoever calls it next, as kubelet and the sidecars see it. */
export class Mortal {
  readonly steps: StepSeen[] = [];
  deaths = 0;
  readonly #machine: LocalMachine;
  #server: LocalServer;

  private constructor(machine: LocalMachine, server: LocalServer) {
    this.#machine = machine;
    this.#server = server;
  }

  static async start(machine: LocalMachine, dieBefore = 0): Promise<Mortal> {
    return new Mortal(machine, await machine.start({ dieBefore }));
  }

  get told(): readonly string[] {
    return this.#server.told;
  }

  /** Sends a call until it is answered by a server that lives. What an answer says does not count while it is UNAVAILABLE. */
  async call<T>(ask: (server: LocalServer) => Promise<T>): Promise<T> {
    for (let tries = 0; tries < 20; tries++) {
      try {
        return await ask(this.#server);
      } catch (e) {
        const mayBeDead = !(e instanceof RpcError) || e.code === 'UNAVAILABLE';
        if (!mayBeDead || !(await this.#isDead())) throw e;
        this.deaths++;
        this.steps.push(...this.#server.steps);
        this.#server = await this.#machine.start();
      }
    }
    throw new Error('the server dies again and again');
  }

  /** As `call`, and again while the server says that it may work later: what a killed one had started may still be going on. */
  async insist<T>(ask: (server: LocalServer) => Promise<T>): Promise<T> {
    for (const end = uptime() + seconds(30); ; await sleep(ms(200))) {
      try {
        return await this.call(ask);
      } catch (e) {
        if (!(e instanceof RpcError) || e.code !== 'UNAVAILABLE' || uptime() > end) throw e;
      }
    }
  }

  async #isDead(): Promise<boolean> {
    const alive = new Promise<false>((resolve) => setTimeout(() => resolve(false), 500));
    return Promise.race([this.#server.ended.then(() => true as const), alive]);
  }

  /** Ends the server now, whatever it does. */
  async strike(): Promise<void> {
    await this.#server.kill();
  }

  async stop(): Promise<void> {
    this.steps.push(...this.#server.steps);
    await this.#server.kill();
  }
}

/**
 * The whole life of a volume in a folder: made, written to, grown, read, deleted, its server perhaps killed meanwhile. What was written is there at
 * its end.
 */
export async function liveThrough(machine: LocalMachine, mortal: Mortal, n: number, type: string): Promise<void> {
  const small = type === 'xfs' ? mebi(304) : mebi(32);
  const grown = (small + mebi(16)) as Bytes;
  const asked = {
    name: nameOf(n),
    capacityRange: { requiredBytes: BigInt(small) },
    volumeCapabilities: [onFile(type)],
  };
  const made = await mortal.insist(({ controller }) => controller.createVolume(asked, { within }));
  const volumeId = made.volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: onFile(type) };
  await machine.must('mkdir', '-p', staging);
  const text = `volume ${n}`;
  await mortal.insist(({ node }) => node.nodeStageVolume(staged, { within }));
  await mortal.insist(({ node }) => node.nodePublishVolume({ ...staged, targetPath: target }, { within }));
  await machine.must('sh', '-c', `echo "${text}" >${target}/file && sync -f ${target}/file`);
  const totalAt = async (): Promise<number> => {
    const { usage } = await mortal.insist(({ node }) =>
      node.nodeGetVolumeStats({ volumeId, volumePath: target }, { within }),
    );
    return Number(usage[0]?.total);
  };
  const first = await totalAt();
  await mortal
    .insist(({ node }) =>
      node.nodeExpandVolume(
        { volumeId, volumePath: target, capacityRange: { requiredBytes: BigInt(grown) } },
        { within },
      ),
    )
    // A lab's kernel lets ext4 grow only unmounted: the next stage does it.
    .catch((e: Error) => expect(e.message).toContain('does not let ext4 grow while it is mounted'));
  for (let turn = 0; turn < 2; turn++) {
    await mortal.insist(({ node }) => node.nodeUnpublishVolume({ volumeId, targetPath: target }, { within }));
    await mortal.insist(({ node }) => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
    if (turn === 1) break;
    await mortal.insist(({ node }) => node.nodeStageVolume(staged, { within }));
    await mortal.insist(({ node }) => node.nodePublishVolume({ ...staged, targetPath: target }, { within }));
    expect(await readFile(machine.inside.at(`${target}/file`), 'utf8')).toBe(`${text}\n`);
    expect(await totalAt()).toBeGreaterThan(first);
  }
  await mortal.insist(({ controller }) => controller.deleteVolume({ volumeId }, { within }));
}

/** The same for a block volume, which has no mounts and is quick: every change that the driver makes, and nothing that others do. */
export async function liveShortly({ mortal, n }: { readonly mortal: Mortal; readonly n: number }): Promise<void> {
  const asked = { name: nameOf(n), capacityRange: { requiredBytes: BigInt(mebi(4)) }, volumeCapabilities: [asBlock] };
  const made = await mortal.call(({ controller }) => controller.createVolume(asked, { within }));
  const volumeId = made.volume?.volumeId ?? '';
  const staged = { volumeId, stagingTargetPath: staging, volumeCapability: asBlock };
  await mortal.call(({ node }) => node.nodeStageVolume(staged, { within }));
  const growth = { volumeId, volumePath: target, capacityRange: { requiredBytes: BigInt(mebi(8)) } };
  const grown = await mortal.call(({ node }) => node.nodeExpandVolume(growth, { within }));
  expect(Number(grown.capacityBytes)).toBe(mebi(8));
  await mortal.call(({ node }) => node.nodeUnstageVolume({ volumeId, stagingTargetPath: staging }, { within }));
  await mortal.call(({ controller }) => controller.deleteVolume({ volumeId }, { within }));
}

/** A volume that nothing is done to, with something in it. */
export async function makeBystander(machine: LocalMachine): Promise<{ readonly digest: () => Promise<string> }> {
  const mortal = await Mortal.start(machine);
  const asked = {
    name: nameOf(999),
    capacityRange: { requiredBytes: BigInt(mebi(16)) },
    volumeCapabilities: [onFile('ext4')],
  };
  const made = await mortal.call(({ controller }) => controller.createVolume(asked, { within }));
  const staged = {
    volumeId: made.volume?.volumeId ?? '',
    stagingTargetPath: '/var/lib/kubelet/bystander',
    volumeCapability: onFile('ext4'),
  };
  await machine.must('mkdir', '-p', staged.stagingTargetPath);
  await mortal.call(({ node }) => node.nodeStageVolume(staged, { within }));
  await machine.must('sh', '-c', `head -c 4M /dev/urandom >${staged.stagingTargetPath}/file`);
  await mortal.call(({ node }) => node.nodeUnstageVolume(staged, { within }));
  await mortal.stop();
  return { digest: () => machine.must('sh', '-c', `cd ${pool}/volumes/${nameOf(999)} && sha256sum image record.json`) };
}
