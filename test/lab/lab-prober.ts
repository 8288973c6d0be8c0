import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import type { WorldProbe } from '#lab/ucloud/ulb/world.ts';

/** The lab's own probe of balancers' targets, with the network of the VPC's router, for labs without a server: one question after the other. */
export interface LabProber {
  readonly probe: (wanted: WorldProbe) => Promise<boolean>;
  readonly close: () => void;
}

export function openProber(lab: string): LabProber {
  const program = `
import { createInterface } from 'node:readline';
import { probe } from ${JSON.stringify(join(import.meta.dirname, '../../lab/server/probe.ts'))};
for await (const line of createInterface({ input: process.stdin })) console.log(await probe(JSON.parse(line)));`;
  const run = [process.execPath, '--input-type=module-typescript', '-e', program];
  const [file = '', ...args] = enterNetwork(markOf(lab, 'vpc'), run);
  const child: ChildProcess = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  let last: Promise<unknown> = Promise.resolve();
  return {
    probe(wanted) {
      const mine = last.then(async () => {
        child.stdin?.write(`${JSON.stringify(wanted)}\n`);
        return (await answers.next()).value === 'true';
      });
      last = mine;
      return mine;
    },
    close: () => void child.kill(),
  };
}
