import type { Host } from '#host/host.ts';
import type { JoinFile } from '#machine/join-file.ts';
import { formatMs, type Ms, ms } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { fetchBundle } from '../bundle/fetch-bundle.ts';
import { bytesFor } from './choose-images.ts';
import { chooseSettings } from './choose-settings.ts';
import { onlyOneAtATime } from './lock.ts';
import { type MachineFacts, observeMachine } from './machine-facts.ts';
import { identify } from './machine-identity.ts';
import { openMarks } from './marks.ts';
import { planChecks, portsOf } from './plan-checks.ts';
import { installBinaries, installImages, runKubeadm, setUpContainerd, setUpKernel, setUpKubelet } from './steps.ts';
import { type Progress, tellProgress } from './tell-progress.ts';

/** How a join went: /var/lib/isthmus/join-result.json. */
export interface JoinResult {
  readonly machine: string;
  readonly role: JoinFile['role'];
  readonly outcome: 'joined' | 'failed';
  readonly startedAt: string;
  readonly steps: readonly { readonly step: string; readonly did: string; readonly ms: number }[];
  /** Why it failed. */
  readonly fault?: string;
}

export const resultPath = '/var/lib/isthmus/join-result.json';

/** The machine can't become a node as it is; says everything that is in the way. */
export class MachineUnfit extends Error {
  constructor(lines: readonly string[]) {
    super(`this machine can't become a node yet:\n${lines.map((line) => `  ${line}`).join('\n')}`);
    this.name = 'MachineUnfit';
  }
}

/**
 * Makes this machine a node, or finishes what an earlier run began; every step looks first and does only what is missing.
 * Progress goes to `say` as lines, the outcome to join-result.json as well.
 * @fails MachineUnfit · the first step that fails
 */
export async function joinMachine(join: JoinFile, host: Host, say: (line: string) => void): Promise<JoinResult> {
  const startedAt = new Date().toISOString();
  const steps: { step: string; did: string; ms: number }[] = [];
  const timed = async <T>(step: string, run: () => Promise<{ did: string; value: T }>): Promise<T> => {
    const began = performance.now();
    const { did, value } = await run().catch((e: unknown) => {
      if (e instanceof MachineUnfit) throw e;
      throw new Error(`the step ${step} failed: ${messageOf(e)}`, { cause: e });
    });
    const took: Ms = ms(Math.round(performance.now() - began));
    steps.push({ step, did, ms: took });
    say(`${step}: ${did} (${formatMs(took)})`);
    return value;
  };
  const finish = async (outcome: JoinResult['outcome'], fault?: string): Promise<JoinResult> => {
    const result: JoinResult = {
      machine: join.machine,
      role: join.role,
      outcome,
      startedAt,
      steps,
      ...(fault !== undefined && { fault }),
    };
    await host.write(resultPath, `${JSON.stringify(result, null, 2)}\n`, { mode: 0o644 });
    return result;
  };
  const lock = await onlyOneAtATime(say);
  const progress = await tellProgress(join, host, say);
  try {
    await takeSteps({ join, host, say, timed, progress });
    return await finish('joined');
  } catch (e) {
    progress.fail((e as Error).message);
    await finish('failed', (e as Error).message);
    throw e;
  } finally {
    await progress.end();
    await lock.release();
  }
}

type Timed = <T>(step: string, run: () => Promise<{ did: string; value: T }>) => Promise<T>;
type Step = () => Promise<string>;

interface Taking {
  readonly join: JoinFile;
  readonly host: Host;
  readonly say: (line: string) => void;
  readonly timed: Timed;
  readonly progress: Progress;
}

async function takeSteps({ join, host, say, timed: timing, progress }: Taking): Promise<void> {
  const timed: Timed = (step, run) => {
    progress.step(step);
    return timing(step, run);
  };
  const seen = await timed('check', () => check(join, host, say));
  const settings = chooseSettings(seen);
  for (const why of settings.why) say(`  ${why}`);
  const marks = await openMarks(host, say);
  const bundle = await timed('bundle', async () => {
    const value = await fetchBundle(join.bundle);
    return { did: `Kubernetes ${value.versions.kubernetes}, Isthmus ${value.versions.isthmus}`, value };
  });
  progress.expect(bytesFor(join.role, bundle));
  const identity = await timed('identity', async () => {
    const value = await identify(join, host);
    return { did: `${join.machine} at ${value.nodeIp}`, value };
  });
  const context = { join, host, bundle, settings, identity, marks, say, progress };
  const step = (name: string, run: Step): Promise<void> =>
    timed(name, async () => ({ did: await run(), value: undefined }));
  await step('kernel', () => setUpKernel(context));
  await step('containerd', () => setUpContainerd(context));
  // At once: one comes over the network while the other is unpacked.
  await together(
    step('binaries', () => installBinaries(context)),
    step('images', () => installImages(context, 'before-joining')),
  );
  await step('kubelet', () => setUpKubelet(context));
  await together(
    step('kubeadm', () => runKubeadm(context)),
    step('more images', () => installImages(context, 'while-joining')),
  );
}

/** Waits for all, so that nothing goes on unseen when one fails; the first failure is told. */
async function together(...works: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(works)).find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function check(
  join: JoinFile,
  host: Host,
  say: (line: string) => void,
): Promise<{ did: string; value: MachineFacts }> {
  const seen = await observeMachine(host, {
    ports: portsOf(join.role),
    bundleUrl: join.bundle.url,
    api: join.role === 'node' ? join.api : undefined,
    pods: [],
  });
  const cluster = join.admission ?? 'unknown';
  const findings = planChecks(seen, join.role, { clock: 'the bundle server', cluster });
  const faults = findings.filter(({ weight }) => weight === 'fault');
  if (faults.length > 0) throw new MachineUnfit(faults.map(({ what, cure }) => `${what}: ${cure}`));
  for (const { weight, what, why, cure } of findings) say(`  ${weight}: ${what}: ${why}; ${cure}`);
  return { did: 'this machine can become a node', value: seen };
}
