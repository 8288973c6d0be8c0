import type { IDaemonSet } from 'kubernetes-models/apps/v1';
import { systemNamespace } from '#kube/api/settings.ts';

const name = 'isthmus-ingress-images';
const labels = { 'app.kubernetes.io/name': name };

/**
 * Brings the addon's images from the bundle to every cloud node, also to one that joined before there was the addon. It runs the node's
 * own program in the node's own files, where containerd is. Nodes without the addon fetch nothing.
 * @unit looks again every five minutes: kubelet removes images that are not in use when a disk gets full
 */
export function imageLoader(made: {
  readonly image: string;
  readonly bundle: { readonly url: string; readonly digest: string };
  /** Other ones make other pods. */
  readonly images: readonly string[];
}): IDaemonSet & { readonly metadata: { readonly name: string } } {
  const { url, digest } = made.bundle;
  const load = `chroot /host /usr/local/bin/isthmus machine images --addon ingress --bundle '${url}' --digest ${digest}`;
  return {
    apiVersion: 'apps/v1',
    kind: 'DaemonSet',
    metadata: { name, namespace: systemNamespace, labels },
    spec: {
      selector: { matchLabels: labels },
      updateStrategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '100%' } },
      template: {
        metadata: { labels, annotations: { 'isthmus.dev/images': made.images.join(' ') } },
        spec: {
          automountServiceAccountToken: false,
          // The bundle is reached as the machine reaches it.
          hostNetwork: true,
          dnsPolicy: 'Default',
          nodeSelector: { 'isthmus.dev/ground': 'cloud' },
          // Where other pods don't go, none of the addon go either.
          terminationGracePeriodSeconds: 1,
          containers: [
            {
              name: 'images',
              image: made.image,
              imagePullPolicy: 'IfNotPresent',
              // A bundle that can't be reached later is no fault while the images are there.
              command: ['sh', '-c', `${load} || exit 1; touch /tmp/loaded; while sleep 300; do ${load}; done`],
              terminationMessagePolicy: 'FallbackToLogsOnError',
              resources: { requests: { cpu: '5m', memory: '16Mi' } },
              readinessProbe: { exec: { command: ['test', '-f', '/tmp/loaded'] }, periodSeconds: 2 },
              securityContext: { allowPrivilegeEscalation: false },
              volumeMounts: [
                { name: 'host', mountPath: '/host' },
                { name: 'tmp', mountPath: '/tmp' },
              ],
            },
          ],
          volumes: [
            { name: 'host', hostPath: { path: '/', type: 'Directory' } },
            { name: 'tmp', emptyDir: {} },
          ],
        },
      },
    },
  };
}
