import { type DescField, type DescMessage, getOption, type Message, toJson } from '@bufbuild/protobuf';
import { csi_secret as csiSecret } from './gen/csi_pb.js';

/** Tokens of the pod's ServiceAccount, which kubelet may put among a volume's attributes. @source kubernetes pkg/volume/csi/csi_mounter.go @v1.36.3 */
const tokens = 'csi.storage.k8s.io/serviceAccount.tokens';

/** A message as it may stand in a log: what its `.proto` file marks as secret is blotted out, down to every message inside. */
export function withoutSecrets(description: DescMessage, message: Message): Readonly<Record<string, unknown>> {
  return redacted(description, toJson(description, message) as Record<string, unknown>);
}

function redacted(description: DescMessage, json: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const byName = new Map(description.fields.map((field) => [field.jsonName, field]));
  return Object.fromEntries(
    Object.entries(json).map(([name, value]) => {
      const field = byName.get(name);
      return [name, field === undefined ? value : redactedField(field, value)];
    }),
  );
}

function redactedField(field: DescField, value: unknown): unknown {
  if (getOption(field, csiSecret)) return '(secret)';
  if (field.fieldKind === 'map' && field.mapKind === 'scalar') {
    const map = value as Readonly<Record<string, unknown>>;
    return tokens in map ? { ...map, [tokens]: '(secret)' } : map;
  }
  // Well-known types such as Timestamp are plain text in JSON.
  const inside = (one: unknown): unknown =>
    field.message !== undefined && typeof one === 'object' && one !== null
      ? redacted(field.message, one as Record<string, unknown>)
      : one;
  if (field.fieldKind === 'map')
    return Object.fromEntries(Object.entries(value as Record<string, unknown>).map(([key, one]) => [key, inside(one)]));
  return Array.isArray(value) ? value.map(inside) : inside(value);
}
