import { test } from 'vitest';
import { markOf } from '#lab/fabric/names.ts';
import { enterNetwork } from '#lab/machine/enter.ts';
import { command } from '#lab/toolchain/command.ts';
import { keepEvidence } from './evidence.ts';

/** A scenario that goes wrong after packets have crossed the line; main-job.test.ts runs it and reads what it leaves. */
const lab = process.env['EVIDENCE_LAB'] ?? '';
keepEvidence(lab, { captures: [{ where: 'vpc', link: 'line0' }] });

test('a scenario that fails on purpose', async () => {
  const [program = '', ...args] = enterNetwork(markOf(lab, 'vpc'), ['ping', '-c', '3', '-i', '0.2', '192.168.50.11']);
  await command(program, args);
  throw new Error('on purpose');
});
