import type { Capability, OperatorSite, Outside } from '#capability/capability.ts';
import type { Cloud } from '#cloud/cloud.ts';
import { CloudError, type CloudFailure } from '#cloud/failure.ts';
import { retryAdvice } from '#cloud/retry-advice.ts';
import type { Host } from '#host/host.ts';
import { fingerprint } from '#host/host-key.ts';
import { connectSsh } from '#host/ssh.ts';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { parseKubeconfig } from '#kube/kubeconfig.ts';
import { type Ms, ms, seconds, sleep } from '#unit/clock.ts';
import type { Result } from '#unit/result.ts';
import type { Bundle } from './bundle/bundle.ts';
import { fetchBundle } from './bundle/fetch-bundle.ts';
import type { ClusterConfig, SshAccess } from './config/config.ts';
import type { Report } from './report.ts';
import type { State } from './state/state.ts';
import type { Operator } from './state/state-lock.ts';

/** One operator at work on one cluster. */
export interface Session {
  readonly config: ClusterConfig;
  readonly operator: Operator;
  readonly state: State;
  readonly cloud: Cloud;
  readonly keys: { readonly publicKey: string; readonly privateKey: string };
  readonly report: Report;
  readonly signal: AbortSignal;
  /** What the product can do beside making the cluster; `cluster` itself knows none of them. */
  readonly capabilities: readonly Capability[];
  /** Text of an SSH private key. */
  readKey(path: string): Promise<string>;
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
    const text = await this.#session.state.kubeconfig();
    if (text !== undefined) this.#kube = connect(parseKubeconfig(text));
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
  const pinned = await state.pinned(machine.name);
  const target = {
    name: machine.name,
    address: machine.address,
    user: machine.ssh.user,
    privateKey: await session.readKey(machine.ssh.key),
    keyPath: machine.ssh.key,
    ...(pinned !== undefined && { pinned }),
  };
  const { host, hostKey } = await connectSsh(target, { within, signal });
  if (pinned === undefined) {
    await state.pin(machine.name, hostKey);
    report.say(
      `${machine.name}: first contact; its host key ${hostKey.type} ${fingerprint(hostKey)} is pinned from now on`,
    );
  }
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
