import type { IProbe } from 'kubernetes-models/v1';

/**
 * How kubelet asks whether a process of ours is alive: one that gives no answer for a minute is started again.
 * @param at where its health is served
 */
export function livenessProbe(at: { readonly host: string; readonly port: number }): IProbe {
  return {
    httpGet: { ...at, path: '/healthz' },
    periodSeconds: 10,
    timeoutSeconds: 10,
    failureThreshold: 6,
    // One that hangs does not hear SIGTERM.
    terminationGracePeriodSeconds: 5,
  };
}
