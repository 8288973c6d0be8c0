import type { Capability, OperatorSite, Outside } from '#capability/capability.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { CloudError, type CloudFailure } from '#cloud/failure.ts';
import type { CloudKeys } from '#cloud/provider.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import type { Host } from '#host/host.ts';
import { fingerprint, type HostKey } from '#host/host-key.ts';
import { connectSsh } from '#host/ssh.ts';
import { agentKeys, type PrivateKey, publicKeyOf } from '#host/ssh-keys.ts';
import type { SshLogin } from '#host/ssh-login.ts';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import type { Result } from '#unit/result.ts';
import type { Bundle } from './bundle/bundle.ts';
import { fetchBundle } from './bundle/fetch-bundle.ts';
import type { ClusterConfig, SshAccess, SshLoginConfig } from './config/config.ts';
import type { Report } from './report.ts';
import type { State } from './state/state.ts';
import type { Operator } from './state/state-lock.ts';

export interface SshCredentials {
  readonly key: PrivateKey | undefined;
  /** Path of the agent's socket. */
  readonly agent: string | undefined;
}

/** One operator at work on one cluster. */
export interface Session {
  readonly config: ClusterConfig;
  readonly operator: Operator;
  readonly state: State;
  readonly cloud: Cloud;
  readonly keys: CloudKeys;
  readonly report: Report;
  readonly signal: AbortSignal;
  /** What the product can do beside making the cluster; `cluster` itself knows none of them. */
  readonly capabilities: readonly Capability[];
  /** What one logs in with. A key with a passphrase is asked for it once. @fails Error that names the key and the cure */
  credentials(login: Pick<SshLoginConfig, 'key' | 'agent'>): Promise<SshCredentials>;
}

/** What a session opens once and closes at its end. */
export class Connections {
  readonly #session: Session;
  #kube: Kube | undefined;
  #bundle: Promise<Bundle> | undefined;

  constructor(session: Session) {
    this.#session = session;
  }

  /** The cluster's API, by the kubeconfig that is kept; `undefined` while there is none. */
  async kubeIfMade(): Promise<Kube | undefined> {
    if (this.#kube !== undefined) return this.#kube;
    const access = await this.#session.state.kubeAccess();
    if (access !== undefined) this.#kube = connect(access);
    return this.#kube;
  }

  async kube(): Promise<Kube> {
    const kube = await this.kubeIfMade();
    if (kube !== undefined) return kube;
    throw new Error(`no kubeconfig at ${this.#session.state.kubeconfigPath}; run isthmus up`);
  }

  bundle(): Promise<Bundle> {
    this.#bundle ??= fetchBundle(this.#session.config.bundle);
    return this.#bundle;
  }

  async close(): Promise<void> {
    await this.#kube?.close();
  }
}

export function mark(session: Session): string {
  return session.config.name;
}

/**
 * Opens a machine over SSH. Its host key is pinned at first contact and must be the same ever after.
 * @fails HostKeyChanged · HostError
 */
export async function openMachine(
  session: Session,
  machine: { readonly name: string; readonly address: string; readonly ssh: SshAccess },
  within: Ms = seconds(20),
): Promise<Host> {
  const { state, report, signal } = session;
  const loginTo = async (name: string, address: string, access: SshLoginConfig): Promise<SshLogin> => {
    const { user, port } = access;
    return { name, address, port, user, ...(await session.credentials(access)), pinned: await state.pinned(name) };
  };
  const { jump } = machine.ssh;
  const target = {
    ...(await loginTo(machine.name, machine.address, machine.ssh)),
    // With a dot, which no machine's name has.
    jump: jump && (await loginTo(`jump.${jump.address}:${jump.port}`, jump.address, jump)),
  };
  const { host, hostKey, jumpKey } = await connectSsh(target, { within, signal });
  const pin = async (login: SshLogin | undefined, shown: HostKey | undefined): Promise<void> => {
    if (login === undefined || shown === undefined || login.pinned !== undefined) return;
    await state.pin(login.name, shown);
    report.say(`${login.name}: first contact; its host key ${shown.type} ${fingerprint(shown)} is pinned from now on`);
  };
  await pin(target.jump, jumpKey);
  await pin(target, hostKey);
  return host;
}

/** What a capability may reach from the operator's computer. */
export function operatorSite(session: Session): OperatorSite {
  const { config, signal } = session;
  const { gateway } = config.network.site;
  if (gateway?.ssh === undefined) return { cluster: config, gateway: undefined, signal };
  const { address, ssh } = gateway;
  // With a dot, which no machine's name has.
  const open = (): Promise<Host> => openMachine(session, { name: 'gateway.site', address, ssh });
  return { cluster: config, gateway: { address, open }, signal };
}

/** What the capabilities keep right outside the cluster, as far as cluster.yaml lets them. */
export function outsidesOf(session: Session): readonly Outside[] {
  const site = operatorSite(session);
  return session.capabilities.flatMap((capability) => capability.outside?.(site) ?? []);
}

/** The key to let in on a machine that is made, for whoever logs in by `login` later. @fails Error */
export async function publicKeyFor(session: Session, login: SshLoginConfig): Promise<string> {
  const { key, agent } = await session.credentials(login);
  if (key !== undefined) return publicKeyOf(key);
  const [first] = agent === undefined ? [] : await agentKeys(agent);
  if (first === undefined) throw new Error('the SSH agent has no key; load one with: ssh-add FILE');
  return first;
}

/** Gives the value of a cloud call, asking again where that is safe and may help. @fails CloudError */
export async function askCloud<T>(
  session: Session,
  doing: string,
  call: () => Promise<Result<T, CloudFailure>>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const answer = await call();
    if (answer.ok) return answer.value;
    if (attempt === 4 || retryAdvice(answer.failure) === 'when-the-world-changes')
      throw new CloudError(doing, answer.failure);
    await sleep(ms(1000 * attempt), session.signal);
  }
}
