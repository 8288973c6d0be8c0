import { type Ms, ms } from '#unit/clock.ts';
import { KubeError, type KubeObject, type Resource, type Selection } from './kube.ts';
import { listing, typed } from './requests.ts';
import type { Transport } from './transport.ts';

/** All objects of a selection, page by page. @unit within: all pages together */
export async function listAll<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  selection: Selection,
  within: Ms,
): Promise<readonly T[]> {
  const end = performance.now() + within;
  let items: T[] = [];
  let next = '';
  for (;;) {
    const left = ms(Math.max(end - performance.now(), 1));
    const page = await pageOf(transport, resource, selection, next, left);
    // The snapshot that the pages are cut from was compacted away: only a new one is consistent.
    if (page === 'expired') items = [];
    else for (const item of page.items) items.push(typed(resource, item));
    next = page === 'expired' ? '' : (page.metadata.continue ?? '');
    if (page !== 'expired' && next === '') return items;
  }
}

interface Page<T> {
  readonly metadata: { readonly continue?: string };
  readonly items: readonly T[];
}

async function pageOf<T extends KubeObject>(
  transport: Transport,
  resource: Resource<T>,
  selection: Selection,
  next: string,
  within: Ms,
): Promise<Page<T> | 'expired'> {
  try {
    return JSON.parse(await transport.ask({ ...listing(resource, selection, next), within })) as Page<T>;
  } catch (e) {
    if (e instanceof KubeError && e.status === 410 && next !== '') return 'expired';
    throw e;
  }
}
