import { quote } from '#host/host.ts';
import type { KubeError, KubeObject, Resource } from '#kube/kube.ts';

/** An object of ours of which others hold fields that we want to change. */
export interface HeldObject {
  readonly resource: Resource<KubeObject>;
  /** As the server has it, with its field managers. */
  readonly seen: KubeObject;
  readonly conflicts: KubeError['conflicts'];
}

/** Which fields, who manages them, and what to do: for the one who ran `isthmus up`. */
export function explainHeld(held: readonly HeldObject[]): string {
  const fields = held.flatMap(({ resource, seen, conflicts }) =>
    conflicts.map(({ field, message }) => `${resource.kind} ${placeOf(seen)}: ${field}: ${message}`),
  );
  return `these fields are managed by others, so isthmus up did not change them:
${indented(fields)}
Save the changes that you need. Then take over the ownership of these fields, which deletes nothing, and run isthmus up again:
${indented(held.map(commandFor))}`;
}

/**
 * Removes what the holders are noted as holding, by its place in the list, and only if that is still theirs. With no holder left the
 * next apply has nobody to ask.
 * @source https://kubernetes.io/docs/reference/using-api/server-side-apply/#transferring-ownership
 */
function commandFor({ resource, seen, conflicts }: HeldObject): string {
  const holders = new Set(conflicts.flatMap(({ message }) => /"([^"]+)"/.exec(message)?.[1] ?? []));
  const operations = managersOf(seen)
    .map(({ manager, subresource }, index) => ({ manager, subresource, path: `/metadata/managedFields/${index}` }))
    .filter(({ manager, subresource }) => holders.has(manager) && subresource !== 'status')
    // From the end, so that no removal moves one that is still to come.
    .reverse()
    .flatMap(({ manager, path }) => [
      { op: 'test', path: `${path}/manager`, value: manager },
      { op: 'remove', path },
    ]);
  const { namespace, name } = seen.metadata;
  const type = resource.group === '' ? resource.plural : `${resource.plural}.${resource.group}`;
  const at = namespace === undefined ? [type, name] : ['--namespace', namespace, type, name];
  return ['kubectl', 'patch', ...at, '--type=json', '--patch', JSON.stringify(operations)].map(quote).join(' ');
}

interface FieldManager {
  readonly manager: string;
  readonly subresource?: string;
}

function managersOf({ metadata }: KubeObject): readonly FieldManager[] {
  return (metadata as { readonly managedFields?: readonly FieldManager[] }).managedFields ?? [];
}

function placeOf({ metadata: { namespace, name } }: KubeObject): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function indented(lines: readonly string[]): string {
  return lines.map((line) => `  ${line}`).join('\n');
}
