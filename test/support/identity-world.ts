import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { exampleFacts } from '#capability/facts.example.ts';
import type { CloudMachine } from '#cloud/compute.ts';
import * as rights from '#cluster/system-objects/rights.ts';
import { applySystemObjects, observeUnwanted } from '#cluster/system-objects/system-objects.ts';
import { type CertificateRequestObject, certificateRequests, signers } from '#kube/api/certificate-request.ts';
import { machines } from '#kube/api/machine.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from '#kube/kube.ts';
import {
  clusterRoleBindings,
  clusterRoles,
  namespaces,
  roleBindings,
  roles,
  serviceAccounts,
} from '#kube/resources.ts';
import { ensureBinaries } from '#lab/toolchain/toolchain.ts';
import { runApprovalController } from '#node/identity/approval-controller.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { ip } from '#unit/ip.ts';
import { ok } from '#unit/result.ts';
import { capabilities } from '../../src/program/capabilities.ts';
import { apiServerForTests } from './api-server-for-tests.ts';
import { startBeside } from './control-plane.ts';
import { establishCrds } from './establish-crds.ts';
import { untilPoliciesAreInForce } from './policies-in-force.ts';

const run = promisify(execFile);
const group = 'system:bootstrappers:kubeadm:default-node-token';

/** Whatever has the form of a request, by the words of openssl. */
export interface Asked {
  readonly signer?: string;
  /** `/O=system:nodes/CN=system:node:web-1` */
  readonly subject: string;
  /** `DNS:web-1,IP:10.9.0.12` */
  readonly names?: string;
  readonly usages?: readonly string[];
  readonly lifetime?: number;
  /** Of a key that was made before, to ask with it again. */
  readonly key?: string;
}

export interface Decided {
  readonly verdict: string;
  readonly reason: string;
  readonly message: string;
  readonly certificate: string | undefined;
  /** Path of the key that was asked with. */
  readonly key: string;
}

/**
 * A real API server with the node authorizer and NodeRestriction, kube-controller-manager that signs and approves as everywhere, kubeadm's own
 * rights for join tokens, all objects of ours, and our approver with the rights of the controller. In the cloud are web-1 and web-2.
 */
export function identityWorld() {
  const api = apiServerForTests({
    flags: [
      '--allow-privileged=true',
      '--authorization-mode=Node',
      '--enable-admission-plugins=NodeRestriction',
      '--enable-bootstrap-token-auth=true',
      // As `up` lets kubeadm start it.
      '--kubelet-certificate-authority=ca.crt',
    ],
  });
  const end = new AbortController();
  const opened: Kube[] = [];
  const told: string[] = [];
  let folder = '';
  let manager: Awaited<ReturnType<typeof startBeside>> | undefined;
  let approving: Promise<void> | undefined;
  let serial = 0;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'isthmus-identity-'));
    const { kube } = api;
    await kube.create(namespaces, { metadata: { name: systemNamespace } });
    await establishCrds(kube);
    for (const { resource, object } of [...kubeadms, ...controllers])
      await kube.apply(resource, object, { manager: 'kubeadm' });
    const facts = {
      ...exampleFacts,
      cluster: {
        ...exampleFacts.cluster,
        cloudMachines: [{ name: 'web-1' }, { name: 'web-2' }],
        machines: [{ name: 'base-1', address: '192.168.50.13' }],
      },
    };
    await applySystemObjects(
      kube,
      capabilities.flatMap((one) => one.objects(facts)),
    );
    await untilPoliciesAreInForce(kube);
    const machine = { address: ip('192.168.50.13'), hostKey: `SHA256:${'a'.repeat(43)}` };
    await kube.create(machines, { metadata: { name: 'base-1' }, spec: machine });
    const { certificate, key } = api.server.authority;
    manager = await startBeside(api.server, (await ensureBinaries()).bin('kube-controller-manager'), [
      '--controllers=certificatesigningrequest-signing-controller,certificatesigningrequest-approving-controller',
      `--cluster-signing-cert-file=${certificate}`,
      `--cluster-signing-key-file=${key}`,
    ]);
  }, minutes(4));

  afterAll(async () => {
    end.abort(new Error('the tests are over'));
    await approving;
    await manager?.stop();
    for (const kube of opened) await kube.close();
    if (folder !== '') await rm(folder, { recursive: true });
  });

  const open = (access: object): Kube => {
    const { server, ca = '' } = api.server.access;
    const kube = connect({ server, ca, ...access });
    opened.push(kube);
    return kube;
  };
  const withCertificate = async (subject: string): Promise<Kube> =>
    open({ clientCertificate: await api.server.sign(`client-${serial++}`, subject) });

  return {
    get kube() {
      return api.kube;
    },
    /** What the approver says of each request that it denied. */
    told,
    withToken: (token: string): Kube => open({ token: () => token }),
    asNode: (name: string): Promise<Kube> => withCertificate(`/O=system:nodes/CN=system:node:${name}`),
    asAccount: (namespace: string, name: string): Promise<Kube> =>
      withCertificate(`/O=system:serviceaccounts/CN=system:serviceaccount:${namespace}:${name}`),
    withSigned: async ({ certificate = '', key }: Decided): Promise<Kube> =>
      open({ clientCertificate: { certificate, key: await readFile(key, 'utf8') } }),
    sign: (name: string, subject: string, names: string) => api.server.sign(name, subject, names),
    ask,
    /** Asks and waits for the decision. */
    decide: async (as: Kube, asked: Asked): Promise<Decided> => decision(...(await ask(as, asked))),
    /** As `isthmus up` does it; until then kubeadm's approval holds. */
    takeUpstreamAway: async () => {
      for (const { resource, object } of await observeUnwanted(api.kube))
        await api.kube.delete(resource, object.metadata);
    },
    startApprover: async (): Promise<void> => {
      const kube = await withCertificate(
        `/O=system:serviceaccounts/CN=system:serviceaccount:${systemNamespace}:isthmus-controller`,
      );
      approving = runApprovalController(
        {
          kube,
          compute: { list: async () => ok(cloudMachines) },
          mark: 'shop',
          tell: (_, verdict) => verdict.do === 'deny' && told.push(verdict.says),
          note: (facts, doing) => told.push(`${doing}: ${JSON.stringify(facts)}`),
        },
        end.signal,
      );
    },
  };

  async function ask(as: Kube, asked: Asked): Promise<readonly [name: string, key: string]> {
    const name = `asked-${serial++}`;
    const key = asked.key ?? join(folder, `${name}.key`);
    const request = join(folder, `${name}.csr`);
    const made =
      asked.key === undefined
        ? ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key]
        : ['-key', key];
    const names = asked.names === undefined ? [] : ['-addext', `subjectAltName=${asked.names}`];
    await run('openssl', ['req', '-new', ...made, '-nodes', '-subj', asked.subject, ...names, '-out', request]);
    const { signer = signers.kubeletClient, usages = ['digital signature', 'client auth'], lifetime } = asked;
    await as.create(certificateRequests, {
      metadata: { name },
      spec: {
        request: (await readFile(request)).toString('base64'),
        signerName: signer,
        usages,
        ...(lifetime !== undefined && { expirationSeconds: lifetime }),
      },
    });
    return [name, key];
  }

  async function decision(name: string, key: string): Promise<Decided> {
    return waitFor(
      `a decision about ${name}`,
      async () => {
        const seen: CertificateRequestObject | undefined = await api.kube.get(certificateRequests, { name });
        const [condition] = seen?.status?.conditions ?? [];
        if (condition === undefined) return undefined;
        const encoded = seen?.status?.certificate;
        if (condition.type === 'Approved' && encoded === undefined) return undefined;
        const certificate = encoded === undefined ? undefined : Buffer.from(encoded, 'base64').toString();
        return {
          verdict: condition.type,
          reason: condition.reason ?? '',
          message: condition.message ?? '',
          certificate,
          key,
        };
      },
      { within: seconds(30), every: ms(50) },
    );
  }
}

/** How the API server answers: 200, or the code of its refusal. */
export async function status(call: Promise<unknown>): Promise<number> {
  return call.then(
    () => 200,
    (e: unknown) => (e instanceof KubeError ? e.status : Promise.reject(e)),
  );
}

const cloudMachines = [
  { name: 'web-1', id: 'uhost-1', address: '10.9.0.12' },
  { name: 'web-2', id: 'uhost-2', address: '10.9.0.13' },
].map(({ name, id, address }) => {
  const nic = { mac: '52:54:00:00:00:01', ip: ip(address), subnet: 's', vpc: 'v' };
  return { name, id, nic, homes: [] } as unknown as CloudMachine;
});

type Placed = { readonly resource: Resource<KubeObject>; readonly object: KubeObject };

function bound(name: string, role: string, subject: string): Placed {
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role };
  const subjects = [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: subject }];
  return { resource: clusterRoleBindings, object: { metadata: { name }, roleRef, subjects } as KubeObject };
}

/** @source kubernetes cmd/kubeadm/app/phases/bootstraptoken/node/tlsbootstrap.go v1.36.3 */
const kubeadms: readonly Placed[] = [
  bound('kubeadm:kubelet-bootstrap', 'system:node-bootstrapper', group),
  bound(
    'kubeadm:node-autoapprove-bootstrap',
    'system:certificates.k8s.io:certificatesigningrequests:nodeclient',
    group,
  ),
  bound(
    'kubeadm:node-autoapprove-certificate-rotation',
    'system:certificates.k8s.io:certificatesigningrequests:selfnodeclient',
    'system:nodes',
  ),
];

const controllers: readonly Placed[] = [
  { resource: serviceAccounts, object: rights.serviceAccount },
  { resource: clusterRoles, object: rights.clusterRole as KubeObject },
  { resource: clusterRoleBindings, object: rights.clusterRoleBinding as KubeObject },
  { resource: roles, object: rights.role as KubeObject },
  { resource: roleBindings, object: rights.roleBinding as KubeObject },
];
