import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { command } from '#lab/toolchain/command.ts';
import { minutes, seconds, waitFor } from '#unit/clock.ts';
import { formatChecks, holds, prove } from '../../../lab/demo/proof.ts';
import { openReleaseWorld, type ReleaseWorld } from '../../lab/bundle/release-world.ts';
import { said } from '../../lab/lab-tools.ts';
import { keepEvidence } from '../../support/evidence.ts';
import { isthmus, succeeds } from '../../support/isthmus.ts';
import { openInternet } from './internet.ts';
import { pushUpstreamImages } from './upstream-images.ts';

/** Clusters of official release files and images, for which a local server and a local registry stand. */
const name = 'bundle';
const project = join(import.meta.dirname, '../../..');
let world: ReleaseWorld;
let folder: string;
keepEvidence(name);

beforeAll(async () => {
  await isthmus(['lab', 'down', '--name', name], { within: minutes(2) });
  folder = await mkdtemp(join(tmpdir(), 'isthmus-long-'));
  world = await openReleaseWorld();
  await pushUpstreamImages(world);
}, minutes(20));
afterEach(async () => {
  await succeeds(['lab', 'down', '--name', name], { within: minutes(2) });
}, minutes(3));
afterAll(async () => {
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

const kubectl = (args: readonly string[]): Promise<string> =>
  succeeds(['lab', 'kubectl', '--name', name, ...args], { within: minutes(3) });

test(
  'a bundle made from releases and carried as one file makes a cluster whose network holds',
  async () => {
    const [made, file, carried] = ['made', 'carried.tar', 'carried'].map((part) => join(folder, part)) as [
      string,
      string,
      string,
    ];
    const mirrors = ['--kubernetes-base', world.releases, '--cni-base', `${world.releases}/cni`];
    const more = ['--registry', world.registry, '--with-image', 'registry.k8s.io/e2e-test-images/agnhost:2.63.0'];
    await succeeds(['bundle', 'create', '--from', 'releases', '--out', made, ...mirrors, ...more], {
      within: minutes(10),
    });
    const digest = (await succeeds(['bundle', 'export', made, file], { within: minutes(5) })).trim();
    await rm(made, { recursive: true });
    await succeeds(['bundle', 'import', file, carried, '--digest', digest], { within: minutes(5) });
    await rm(file);
    const { bundle } = await readBundle(carried);
    const coreDns = bundle.images.find(({ path }) => path.includes('coredns'))?.path ?? '';
    const config = await command('skopeo', ['inspect', '--config', `docker-archive:${join(carried, coreDns)}`]);
    expect(JSON.parse(config)).toMatchObject({ config: { User: '65532:65532' } });

    await succeeds(['lab', 'up', '--name', name, '--bundle', carried], { within: minutes(5) });
    const wanted = await readFile(join('/var/lib/isthmus-lab', name, 'cluster.yaml'), 'utf8');
    expect(wanted).toContain(digest);
    await succeeds(['lab', 'exec', '--name', name, 'office', '--', 'isthmus', 'up', '--yes'], { within: minutes(10) });
    await kubectl(['apply', '-f', join(project, 'lab/demo/web.yaml')]);
    await kubectl(['rollout', 'status', '--timeout=150s', 'deployment/web', 'daemonset/node-probe']);
    await proven();
  },
  minutes(40),
);

async function proven(): Promise<void> {
  let last = '';
  const look = async (): Promise<boolean> => {
    const checks = await prove(kubectl);
    last = formatChecks(checks);
    return holds(checks);
  };
  await waitFor('every check to hold', look, { within: minutes(4), every: seconds(2) }).catch((cause: unknown) => {
    throw new Error(`${String(cause)}\n${last}`);
  });
}

test(
  'npm run demo comes to its closing table on a computer without Go that has nothing yet and the internet behind a proxy',
  async () => {
    const internet = await openInternet(world);
    const home = await mkdtemp(join(tmpdir(), 'isthmus-home-'));
    try {
      const demo = spawn('npm', ['run', 'demo', '--', '--name', name], {
        cwd: project,
        timeout: minutes(30),
        killSignal: 'SIGINT',
        env: {
          HOME: home,
          PATH: pathWithoutGo(),
          HTTPS_PROXY: internet.proxy,
          NODE_EXTRA_CA_CERTS: internet.authority,
          npm_config_update_notifier: 'false',
        },
      });
      const { code, out, err } = await said(demo);
      const all = `${out}\n${err}`;
      expect(code, all).toBe(0);
      expect(out).toContain('there is no Go 1.26: Kubernetes comes from its official releases');
      expect(out).toMatch(/^Every check holds, .* after the start\.$/m);
      expect(out, all).not.toContain('FAIL');
      for (const host of ['dl.k8s.io', 'cdn.dl.k8s.io', 'github.com', 'registry.k8s.io'])
        expect(internet.asked).toContain(host);
      expect(internet.refused).toEqual([]);
      console.log(out.slice(out.indexOf('== The proof')));
    } finally {
      await succeeds(['lab', 'down', '--name', name], { within: minutes(2) });
      await internet.close();
      await rm(home, { recursive: true });
    }
  },
  minutes(40),
);

/** Debian's folders of programs, without any that has a Go. */
function pathWithoutGo(): string {
  const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
  return folders.filter((path) => !existsSync(join(path, 'go'))).join(':');
}
