import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { request } from 'undici';
import { staticFiles } from '#lab/server/static-files.ts';
import { command } from '#lab/toolchain/command.ts';
import { versions } from '#lab/toolchain/families.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import { freePorts } from '../../support/free-port.ts';
import { type Running, start } from '../../support/process.ts';

/** Answers before the release server does, and says whether it has. */
type Before = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A release server of the official layout and a registry, on loopback, filled with what the toolchain has built. */
export interface ReleaseWorld {
  readonly folder: string;
  readonly releases: string;
  readonly registry: string;
  /** Each request to the release server: path and range. */
  readonly asked: { path: string; range: string | undefined }[];
  before: Before;
  close(): Promise<void>;
}

export async function openReleaseWorld(): Promise<ReleaseWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-releases-'));
  const site = join(folder, 'site');
  await layOutReleases(site);
  const asked: ReleaseWorld['asked'] = [];
  const files = staticFiles('', site);
  const world = { before: (() => false) as Before };
  const server = await listen((asking, response) => {
    asked.push({ path: asking.url ?? '', range: asking.headers.range });
    if (!world.before(asking, response)) files(asking, response);
  });
  const registry = await startRegistry(folder);
  return Object.assign(world, {
    folder,
    asked,
    releases: urlOf(server),
    registry: registry.url,
    close: async () => {
      await closed(server);
      await registry.process.end('SIGTERM');
      await rm(folder, { recursive: true });
    },
  });
}

async function layOutReleases(site: string): Promise<void> {
  const { bin } = await ensureBinaries();
  const kubernetes = join(site, `release/v${versions.kubernetes}/bin/linux/amd64`);
  const cni = join(site, `cni/v${versions.cniPlugins}`);
  for (const folder of [kubernetes, cni]) await mkdir(folder, { recursive: true });
  for (const name of ['kubeadm', 'kubelet', 'kubectl']) {
    await symlink(bin(name), join(kubernetes, name));
    await writeFile(join(kubernetes, `${name}.sha256`), await hexOf(bin(name)));
  }
  // As the project packs them: every plugin under `./`, the digest in sha256sum's form.
  const tgz = `cni-plugins-linux-amd64-v${versions.cniPlugins}.tgz`;
  const plugins = join(bin('loopback'), '..');
  await command('tar', ['-czf', join(cni, tgz), '-C', plugins, './loopback', './portmap', './bandwidth']);
  await writeFile(join(cni, `${tgz}.sha256`), `${await hexOf(join(cni, tgz))}  ${tgz}\n`);
}

/** Debian's registry, which is the reference implementation, with its files in the test's folder. */
async function startRegistry(folder: string): Promise<{ url: string; process: Running }> {
  const [port = 0] = await freePorts(1);
  const config = join(folder, 'registry.yml');
  const storage = join(folder, 'registry');
  await writeFile(
    config,
    `version: 0.1\nstorage: { filesystem: { rootdirectory: ${storage} } }\nhttp: { addr: "127.0.0.1:${port}" }\nlog: { level: warn }\n`,
  );
  const process = start('docker-registry', ['serve', config], { cwd: folder, log: join(folder, 'registry.log') });
  const url = `http://127.0.0.1:${port}`;
  const answers = async (): Promise<boolean> => {
    await process.assertAlive();
    return (await request(`${url}/v2/`)).statusCode === 200;
  };
  await waitFor('the registry to answer', answers, { within: seconds(60) });
  return { url, process };
}

/** Puts a docker-archive into the registry under the path of its official name. */
export async function push(world: ReleaseWorld, archive: string, name: string): Promise<void> {
  const path = name.slice(name.indexOf('/') + 1);
  const to = `docker://${world.registry.replace('http://', '')}/${path}`;
  await command('skopeo', ['copy', '--quiet', '--dest-tls-verify=false', `docker-archive:${archive}`, to]);
}

export async function hexOf(path: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
}

/** A proxy that alone knows where the `.invalid` names of `hosts` lie. */
export async function openProxy(
  hosts: Readonly<Record<string, string>>,
): Promise<{ url: string; used: string[]; close: () => Promise<void> }> {
  const used: string[] = [];
  const placeOf = (host: string): { host: string; port: number } => {
    used.push(host);
    const to = new URL(hosts[host] ?? 'http://127.0.0.1:1');
    return { host: to.hostname, port: Number(to.port) };
  };
  const server = await listen((asking, response) => {
    const target = new URL(asking.url ?? '', 'http://nowhere.invalid');
    const { host, port } = placeOf(target.hostname);
    request(`http://${host}:${port}${target.pathname}`, {
      headers: { accept: asking.headers.accept ?? '*/*' },
    }).then(
      (answer) => {
        response.writeHead(answer.statusCode, answer.headers as Record<string, string>);
        answer.body.pipe(response);
      },
      () => response.destroy(),
    );
  });
  server.on('connect', (asking, socket) => {
    const through = connect(placeOf((asking.url ?? '').split(':')[0] ?? ''));
    for (const [one, other] of [
      [socket, through],
      [through, socket],
    ] as const)
      one.on('error', () => other.destroy()).pipe(other);
    through.once('connect', () => socket.write('HTTP/1.1 200 OK\r\n\r\n'));
  });
  return { url: urlOf(server), used, close: () => closed(server) };
}

async function listen(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function closed(server: Server): Promise<void> {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}
