import { join } from 'node:path';
import { Registration } from './gen/pluginregistration_pb.js';
import { service } from './rpc.ts';
import { type RpcServer, type ServeOptions, serve } from './serve.ts';

export interface Plugin {
  /** `udisk.csi.isthmus.dev`: the name of its CSIDriver. */
  readonly driver: string;
  /** The socket of its node service, as kubelet sees it. */
  readonly endpoint: string;
  /** Where kubelet looks for plugins, `/var/lib/kubelet/plugins_registry` as a rule. */
  readonly registry: string;
}

/**
 * Announces a CSI driver to kubelet, which finds the socket within a second, asks for the driver's name, then asks the driver itself
 * about this node, and answers here how that went. It does so again whenever kubelet is restarted.
 * @shape what takes the announcement back: kubelet then forgets the driver on this node
 * @source kubernetes pkg/kubelet/pluginmanager, pkg/volume/csi/csi_plugin.go @v1.36.3
 */
export function registerPlugin(
  { driver, endpoint, registry }: Plugin,
  answered: (fault: string | undefined) => void,
  options: ServeOptions,
): Promise<RpcServer> {
  const registration = service(Registration, {
    getInfo: () => ({ type: 'CSIPlugin', name: driver, endpoint, supportedVersions: ['1.0.0'] }),
    notifyRegistrationStatus: ({ pluginRegistered, error }) => {
      answered(pluginRegistered ? undefined : error);
      return {};
    },
  });
  return serve(join(registry, `${driver}-reg.sock`), [registration], options);
}
