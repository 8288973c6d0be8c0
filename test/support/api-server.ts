import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import { type Ms, ms, seconds, waitFor } from '#unit/clock.ts';
import { authorityIn, type Certified } from './certificates.ts';
import { type Etcd, etcdAt } from './etcd.ts';
import { freePorts } from './free-port.ts';
import { type Running, start } from './process.ts';

/** A real API server with its own etcd, on loopback. */
export interface ApiServer {
  /** With a certificate of group `system:masters`. */
  readonly access: KubeAccess;
  readonly port: number;
  /** A bearer token of group `system:masters`. */
  readonly token: string;
  /** Ends the API server as a power cut would; etcd goes on. */
  kill(): Promise<void>;
  /** Starts it again on the same port; resolves when it is ready. */
  restart(): Promise<void>;
  /** The process stands still: its connections stay open and silent. */
  freeze(): void;
  thaw(): void;
  /** What the API server stores everything in. */
  readonly etcd: Etcd;
  /** Signs a certificate that the server and its clients trust. @unit as of `authorityIn` */
  sign(name: string, subject: string, san?: string): Promise<Certified>;
  /** Files of the authority that clients' certificates are of, for a program that signs with it. */
  readonly authority: { readonly certificate: string; readonly key: string };
  /** Ends both and removes their folder. */
  stop(): Promise<void>;
}

export interface ApiServerOptions {
  /** Path of `etcd` and of `kube-apiserver`. */
  readonly bin: (name: string) => string;
  /** More flags for kube-apiserver. */
  readonly flags?: readonly string[];
  /** The wait for each start; 60 s unless told. */
  readonly within?: Ms;
}

/** @fails Error with the log's end when a program ends · WaitedTooLong when it is not ready in time */
export async function startApiServer({ bin, flags = [], within = seconds(120) }: ApiServerOptions): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-api-server-'));
  const [etcdPort, peerPort, port] = (await freePorts(3)) as [number, number, number];
  const authority = await authorityIn(folder);
  await authority.sign('server', '/CN=kube-apiserver', 'IP:127.0.0.1');
  await authority.sign('accounts', '/CN=accounts');
  const masters = await authority.sign('masters', '/O=system:masters/CN=test');
  const token = 'a-token-that-must-not-be-told';
  await writeFile(join(folder, 'tokens.csv'), `${token},token-user,1,system:masters\n`);
  const access = accessTo(port, authority.certificate, masters);

  const run = (name: string, args: readonly string[]): Running =>
    start(bin(name), args, { cwd: folder, log: join(folder, `${name}.log`) });
  const startServer = async (): Promise<Running> => {
    const server = run('kube-apiserver', [...serverFlags({ etcdPort, port }), ...flags]);
    await ready(access, [etcd, server], within).catch(async (e: unknown) => {
      await server.end('SIGKILL');
      throw e;
    });
    return server;
  };

  const etcd = run('etcd', etcdFlags({ etcdPort, peerPort }));
  let server: Running;
  try {
    server = await startServer();
  } catch (e) {
    await etcd.end('SIGKILL');
    await rm(folder, { recursive: true });
    throw e;
  }

  return {
    access,
    port,
    token,
    kill: () => server.end('SIGKILL'),
    async restart() {
      server = await startServer();
    },
    freeze: () => void server.child.kill('SIGSTOP'),
    thaw: () => void server.child.kill('SIGCONT'),
    etcd: etcdAt(etcdPort),
    sign: (name, subject, san) => authority.sign(name, subject, san),
    authority: { certificate: join(folder, 'ca.crt'), key: join(folder, 'ca.key') },
    async stop() {
      await server.end('SIGKILL');
      await etcd.end('SIGKILL');
      await rm(folder, { recursive: true });
    },
  };
}

function accessTo(port: number, ca: string, clientCertificate: Certified): KubeAccess {
  return { server: `https://127.0.0.1:${port}`, ca, clientCertificate };
}

function etcdFlags({ etcdPort, peerPort }: { etcdPort: number; peerPort: number }): readonly string[] {
  const [client, peer] = [`http://127.0.0.1:${etcdPort}`, `http://127.0.0.1:${peerPort}`];
  return [
    '--data-dir=etcd',
    // The folder is thrown away: waiting for the disk proves nothing here.
    '--unsafe-no-fsync',
    `--listen-client-urls=${client}`,
    `--advertise-client-urls=${client}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=default=${peer}`,
  ];
}

function serverFlags({ etcdPort, port }: { etcdPort: number; port: number }): readonly string[] {
  return [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--tls-cert-file=server.crt',
    '--tls-private-key-file=server.key',
    '--client-ca-file=ca.crt',
    '--token-auth-file=tokens.csv',
    '--authorization-mode=RBAC',
    '--service-cluster-ip-range=10.96.0.0/16',
    '--service-account-issuer=https://kubernetes.default.svc',
    '--service-account-key-file=accounts.crt',
    '--service-account-signing-key-file=accounts.key',
    // Nobody makes service accounts here, and pods are only looked at.
    '--disable-admission-plugins=ServiceAccount',
    '--endpoint-reconciler-type=none',
  ];
}

async function ready(access: KubeAccess, programs: readonly Running[], within: Ms): Promise<void> {
  const kube = connect(access, { within: seconds(2) });
  try {
    let dead: Error | undefined;
    await waitFor(
      'the API server to be ready',
      async () => {
        dead = await Promise.all(programs.map((program) => program.assertAlive())).then(
          () => undefined,
          (e: Error) => e,
        );
        return dead !== undefined || (await kube.read('/readyz')) === 'ok';
      },
      { within, every: ms(100) },
    );
    if (dead !== undefined) throw dead;
  } finally {
    await kube.close();
  }
}
