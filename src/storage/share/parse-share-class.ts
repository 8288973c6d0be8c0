import type { Charge } from '#cloud/owned.ts';
import { nearest } from '#unit/nearest.ts';
import { parseShareHandle } from './handle.ts';

/** What becomes of the directory of a volume that is deleted. */
export const endings = ['archive', 'delete', 'retain'] as const;
export type Ending = (typeof endings)[number];

/** What a StorageClass of file shares asks for. */
export type ShareClassWish =
  /** A directory of a file share that is there. */
  | { readonly of: 'directory'; readonly share: string; readonly onDelete: Ending }
  /** A file share of its own. */
  | { readonly of: 'share'; readonly kind: string; readonly charge: Charge; readonly quantity: number };

type ShareClassParsed =
  | { readonly ok: true; readonly wish: ShareClassWish }
  /** One sentence for each parameter that is wrong. */
  | { readonly ok: false; readonly faults: readonly string[] };

const charges: Readonly<Record<string, Charge>> = { hour: 'hour', month: 'month', year: 'year' };

/** One parameter of a StorageClass of file shares; `docs/reference/storage-classes.md` is made from these. */
export interface ShareClassParameter {
  readonly of: ShareClassWish['of'];
  /** What may be written. */
  readonly values: string;
  readonly fallback?: string;
  readonly meaning: string;
}

export const shareClassParameters: Readonly<Record<string, ShareClassParameter>> = {
  share: {
    of: 'directory',
    values: 'the id of a file share',
    meaning:
      'Each volume is a directory of this file share, which must have a mount point in the cluster’s VPC. The share itself is never changed. Without it each volume is a file share of its own.',
  },
  onDelete: {
    of: 'directory',
    values: endings.join(', '),
    fallback: 'archive',
    meaning:
      'What becomes of the directory when the claim is deleted: `archive` renames it to `archived-…`, `retain` leaves it as it is.',
  },
  kind: {
    of: 'share',
    values: 'a kind of file share that the cloud sells',
    meaning: 'Which kind of file share is made. It has to be told where `share` is not, because kinds differ in price.',
  },
  charge: {
    of: 'share',
    values: Object.keys(charges).join(', '),
    fallback: 'hour',
    meaning: 'How file shares are paid for: by the hour, or months or years in advance.',
  },
  quantity: {
    of: 'share',
    values: '1 to 999',
    fallback: '1',
    meaning: 'How many months or years are paid for. Only with one of these.',
  },
};

const all = Object.keys(shareClassParameters);

/** Reads the parameters of a StorageClass. All that is wrong is told at once. */
export function parseShareClass(
  parameters: Readonly<Record<string, string>>,
  kinds: readonly string[],
): ShareClassParsed {
  // The provisioner's own, with `--extra-create-metadata`.
  const given = Object.entries(parameters).filter(([name]) => !name.startsWith('csi.storage.k8s.io/'));
  const { share, onDelete = 'archive', kind, charge = 'hour', quantity = '1' } = parameters;
  const of = share === undefined ? 'share' : 'directory';
  // Sorted: the same faults read the same.
  const faults = given
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([name, value]) => {
      const why = faultOf(name, value, kinds, of);
      return why === undefined ? [] : [`parameter ${name}: "${value}": ${why}`];
    });
  if (of === 'share' && kind === undefined)
    faults.push(
      `parameter share or kind is missing: write share: ufs-… for directories of a file share that is there, or kind: ${kinds.join(' or ')} for a new one each`,
    );
  if (of === 'share' && charge === 'hour' && parameters['quantity'] !== undefined)
    faults.push('parameter quantity: only for charge month or year: leave it out');
  if (faults.length > 0) return { ok: false, faults };
  if (share !== undefined) return { ok: true, wish: { of: 'directory', share, onDelete: onDelete as Ending } };
  return {
    ok: true,
    wish: { of: 'share', kind: kind as string, charge: charges[charge] as Charge, quantity: Number(quantity) },
  };
}

function faultOf(name: string, value: string, kinds: readonly string[], of: ShareClassWish['of']): string | undefined {
  const parameter = Object.hasOwn(shareClassParameters, name) ? shareClassParameters[name] : undefined;
  if (parameter !== undefined && parameter.of !== of)
    return of === 'directory' ? 'only without share: leave one of them out' : 'only with share: leave it out';
  const oneOf = (values: readonly string[]): string | undefined =>
    values.includes(value) ? undefined : `write one of ${values.join(', ')}`;
  switch (name) {
    case 'share': {
      const handle = parseShareHandle(value);
      return handle === undefined || handle.folder !== undefined
        ? 'write the id of a file share, such as ufs-1a2b3c'
        : undefined;
    }
    case 'onDelete':
      return oneOf(endings);
    case 'kind':
      return oneOf(kinds);
    case 'charge':
      return oneOf(Object.keys(charges));
    case 'quantity':
      return /^[1-9]\d{0,2}$/.test(value) ? undefined : 'write how many months or years, such as "1"';
    default: {
      const near = nearest(name, all);
      return `unknown parameter; ${near === undefined ? `there are ${all.join(', ')}` : `did you mean ${near}?`}`;
    }
  }
}
