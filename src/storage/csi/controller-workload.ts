import type { IDeployment } from 'kubernetes-models/apps/v1';
import type { IContainer, IPodSpec } from 'kubernetes-models/v1';
import { apiEnvironment } from '#capability/api-environment.ts';
import type { ClusterFacts } from '#capability/capability.ts';
import { cloudKeysName, settingsName, systemNamespace } from '#kube/api/settings.ts';
import { controllerSocket } from './names.ts';
import { healthOf, onControlPlane, sidecar, sidecarOptions } from './placement.ts';

/** What a driver's half that asks the cloud has of its own. */
export interface ControllerHalf {
  readonly name: string;
  /** The port of its health. */
  readonly port: number;
  /** Of the Secret with the cloud's keys. */
  readonly keysMode: number;
  readonly pod: Pick<IPodSpec, 'nodeSelector' | 'securityContext' | 'hostPID'>;
  readonly container: Pick<
    IContainer,
    'name' | 'command' | 'env' | 'resources' | 'securityContext' | 'imagePullPolicy' | 'terminationMessagePolicy'
  >;
  readonly sidecars: readonly { readonly name: string; readonly args: readonly string[] }[];
}

/**
 * The half of a driver that asks the cloud, and the sidecars that call it. On a control plane, whose machine has their images and the cloud's keys
 * anyway; while there is no API server, there is nothing to do for it. Only its own container sees the keys.
 */
export function controllerWorkload(
  { image, api }: Pick<ClusterFacts, 'image' | 'api'>,
  half: ControllerHalf,
): IDeployment & { readonly metadata: { readonly name: string } } {
  const labels = { 'app.kubernetes.io/name': half.name };
  const socket = { name: 'socket', mountPath: '/csi' };
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: half.name, namespace: systemNamespace, labels },
    spec: {
      replicas: 1,
      // The node's network has each port once, so a new one can't start beside the old one.
      strategy: { type: 'Recreate' },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels },
        spec: {
          ...onControlPlane,
          ...half.pod,
          serviceAccountName: half.name,
          // The cloud is reached as the controller reaches it.
          hostNetwork: true,
          dnsPolicy: 'Default',
          containers: [
            {
              image: image('isthmus.dev/isthmus:'),
              ports: [{ name: 'health', containerPort: half.port, hostIP: '127.0.0.1' }],
              ...healthOf(half.port),
              ...half.container,
              volumeMounts: [
                socket,
                { name: 'settings', mountPath: '/etc/isthmus', readOnly: true },
                { name: 'keys', mountPath: '/etc/isthmus-cloud', readOnly: true },
              ],
            },
            ...half.sidecars.map(({ name, args }) =>
              sidecar(name, {
                image,
                args: [`--csi-address=${controllerSocket}`, ...sidecarOptions, ...args],
                env: apiEnvironment(api),
                volumeMounts: [socket],
              }),
            ),
          ],
          volumes: [
            { name: 'socket', emptyDir: {} },
            { name: 'settings', configMap: { name: settingsName } },
            { name: 'keys', secret: { secretName: cloudKeysName, defaultMode: half.keysMode } },
          ],
        },
      },
    },
  };
}
