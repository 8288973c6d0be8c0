import type { Note } from '../toolchain/artifact.ts';
import type { Kubectl } from './pods-on.ts';

const binding = 'mutatingadmissionpolicybinding/isthmus-services-prefer-own-side';
const rules = '/spec/matchResources/namespaceSelector/matchExpressions';
/** On every namespace of a spec. @source test/e2e/framework/framework.go of Kubernetes 1.36.3 */
const ofSpecs = { key: 'e2e-framework', operator: 'DoesNotExist' };

/**
 * Some specs want a client to be answered by each pod of a Service that says nothing about it, wherever they run; with a preference for the
 * client's own side those near it answer alone. So for the time of the run Services of specs are left as they are written.
 */
export async function withoutOwnSide<T>(
  { kubectl, note }: { readonly kubectl: Kubectl; readonly note: Note },
  work: () => Promise<T>,
): Promise<T> {
  const change = (...operations: readonly object[]): Promise<string> =>
    kubectl('patch', binding, '--type=json', '-p', JSON.stringify(operations));
  if ((await kubectl('get', binding, '--ignore-not-found', '-o', 'name')) === '') return work();
  await change({ op: 'add', path: `${rules}/0`, value: ofSpecs });
  note(
    `Services of specs get no preference for their own side until the run ends (kubectl delete ${binding} and isthmus up, if it is cut off)`,
  );
  try {
    return await work();
  } finally {
    await change({ op: 'test', path: `${rules}/0`, value: ofSpecs }, { op: 'remove', path: `${rules}/0` });
  }
}
