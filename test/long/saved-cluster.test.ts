import { readFile } from 'node:fs/promises';
import { afterAll, expect, test } from 'vitest';
import { formatMs, minutes, ms, waitFor } from '#unit/clock.ts';
import { formatChecks, holds, prove } from '../../lab/demo/proof.ts';
import { operatorStarts } from '../lab/cluster/operator.ts';
import { lab, labOk, makeBundle, probe, removeBundle } from '../lab/lab-tools.ts';
import { keepEvidence } from '../support/evidence.ts';
import { ensureGolden, raiseGolden } from '../support/golden-lab.ts';
import { succeeds } from '../support/isthmus.ts';

/** Labs that begin from the converged one. */
const [name, other] = ['savedlong', 'savedother'] as const;
const web = new URL('../../lab/demo/web.yaml', import.meta.url).pathname;
keepEvidence(name);

afterAll(async () => {
  for (const one of [name, other]) await labOk('down', '--name', one);
}, minutes(5));

test(
  'a converged cluster of five nodes is there again in seconds: nothing to do for up, and every check of the proof holds',
  async () => {
    await ensureGolden();
    const began = performance.now();
    await raiseGolden(name);
    console.log(`a cluster from a saved lab: ${formatMs(ms(performance.now() - began))}`);
    const cloudInit = async (): Promise<string> =>
      (await (await probe(name)).run('web-1', 'systemctl is-active cloud-init.target')).out;
    expect(await cloudInit()).toBe('inactive');
    const again = await (await operatorStarts(name, ['up', '--yes'])).end(minutes(2));
    expect(again.code, again.said).toBe(0);
    expect(again.said).toContain('nothing to do');
    const kubectl = (args: readonly string[]): Promise<string> =>
      succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });
    await kubectl(['apply', '-f', web]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web', 'daemonset/node-probe']);
    const checks = await prove(kubectl);
    expect(holds(checks), formatChecks(checks)).toBe(true);
    await labOk('machine', 'reboot', '--name', name, 'web-1');
    await waitFor('cloud-init to run as at every boot', async () => (await cloudInit()) === 'active', {
      within: minutes(1),
    });
    expect(await readFile(`/var/lib/isthmus-lab/${name}/cluster.yaml`, 'utf8')).toContain('name: golden');
  },
  minutes(15),
);

test('a saved lab of other programs is refused with what differs and the cure', async () => {
  const bundle = await makeBundle(0);
  const golden = await ensureGolden();
  const { err } = await lab('up', '--name', other, '--from', golden, '--bundle', bundle);
  expect(err).toMatch(/has Kubernetes 1\.\d+\.\d+ and Isthmus .*, but this version makes labs with .* save it again/);
  expect((await lab('up', '--name', other, '--from', golden, '--machines', 'base-1')).err).toMatch(/--machines/);
  expect(await labOk('down', '--name', other)).toContain('there is nothing of a lab');
  await removeBundle(bundle);
});
