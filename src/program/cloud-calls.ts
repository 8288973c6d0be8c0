import { counter } from '#unit/metrics.ts';

const calls = counter('isthmus_cloud_calls_total', 'Calls to the API of the cloud, each attempt counted.', [
  'action',
  'outcome',
]);

/** Told of each call to the cloud by its provider. */
export function countCloudCall({ action, outcome }: { readonly action: string; readonly outcome: string }): void {
  calls.inc({ action, outcome });
}
