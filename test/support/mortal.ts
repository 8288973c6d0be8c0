import type { Cloud } from '#cloud/cloud.ts';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import type { Kube, KubeObject, Resource } from '#kube/kube.ts';
import { account } from '#lab/ucloud/test-cloud.ts';
import { type Ms, ms } from '#unit/clock.ts';

/**
 * API server and cloud for one life of a controller, which ends right after its first write to either: the write is done, and nothing
 * follows it. Events are no such write.
 * @unit spares: whether it lives on after this one
 * @shape died: the write; never resolves while there was none
 */
export function mortal(
  real: Kube,
  url: string,
  end: AbortController,
  spares: (write: string) => boolean,
): { readonly kube: Kube; readonly cloud: Cloud; readonly died: Promise<string> } {
  const { promise: died, resolve } = Promise.withResolvers<string>();
  const live = (): void => end.signal.throwIfAborted();
  const wrote = (after: string): void => {
    if (spares(after)) return;
    end.abort(new Error(`killed after ${after}`));
    resolve(after);
    throw end.signal.reason;
  };
  const kubeOf = (kube: Kube): Kube =>
    new Proxy(kube, {
      get(target, name: keyof Kube) {
        if (name === 'within') return (limit: Ms) => kubeOf(target.within(limit));
        const call = (target[name] as (...args: readonly unknown[]) => unknown).bind(target);
        if (!(writes as readonly string[]).includes(name)) return call;
        return async (resource: Resource<KubeObject>, ...more: readonly unknown[]) => {
          live();
          const answer = await call(resource, ...more);
          if (resource.plural !== 'events') wrote(`${name} ${resource.plural}`);
          return answer;
        };
      },
    });
  const cloud = connectUcloud({
    ...account,
    endpoint: url,
    project: account.project.id,
    poll: ms(20),
    // Read before each call is sent.
    get publicKey() {
      live();
      return account.publicKey;
    },
    // Told when the answer is there, and before anybody has seen it.
    note: ({ action, outcome }) => {
      if (outcome === 'ok' && !/^(Describe|List|Get|Check)/.test(action)) wrote(action);
    },
  });
  return { kube: kubeOf(real), cloud, died };
}

const writes = ['create', 'replace', 'apply', 'merge', 'delete'] as const satisfies readonly (keyof Kube)[];
