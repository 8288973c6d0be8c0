import { stringify } from 'yaml';
import { addresses } from '../fabric/addresses.ts';
import { cloudIds, type LabSettings } from './settings.ts';

/** The lab as `isthmus up -f` wants it: one control plane and two workers in the cloud, and every physical machine. */
export function formatCluster({
  name,
  account,
  bundle,
  machines,
  addons = [],
  siteMode = 'routed',
}: LabSettings): string {
  const shape = { cpu: 2, memory: '4Gi' };
  const routed = { mode: 'routed', pods: addresses.sitePods, perMachine: 24 };
  const card = { interface: 'eth0' };
  const podNetworks = {
    routed,
    bridged: { mode: 'bridged', pods: addresses.bridgedPods, ...card },
    mixed: { ...routed, bridgedPods: addresses.bridgedPods, ...card },
  };
  return stringify(
    {
      name,
      kubernetes: bundle.kubernetes,
      secretsEncryption: true,
      bundle: { url: `http://${addresses.store}/bundle`, digest: bundle.digest },
      cloud: {
        provider: 'ucloud',
        region: account.region,
        zone: account.zone,
        project: account.project.id,
        vpc: cloudIds.vpc,
        subnet: cloudIds.subnet,
        endpoint: `http://${addresses.api}`,
        credentials: { publicKey: { env: 'UCLOUD_PUBLIC_KEY' }, privateKey: { env: 'UCLOUD_PRIVATE_KEY' } },
      },
      network: {
        services: '10.96.0.0/16',
        site: {
          ...podNetworks[siteMode],
          machines: addresses.site,
          gateway: { address: addresses.siteGateway, ssh: { user: 'root', key: 'id_ed25519' } },
        },
        cloud: { warm: { low: 4, high: 12 } },
      },
      ssh: { user: 'root', key: 'id_ed25519' },
      controlPlane: ['cp-1'],
      cloudMachines: ['cp-1', 'web-1', 'web-2'].map((machine) => ({ name: machine, shape, image: cloudIds.image })),
      // Of a mixed site every second one.
      machines: machines.map((machine, n) => ({
        ...machine,
        ...(siteMode === 'mixed' && n % 2 === 1 && { podNetwork: 'bridged' }),
      })),
      ...(addons.length > 0 && { addons: Object.fromEntries(addons.map((addon) => [addon, {}])) }),
    },
    { aliasDuplicateObjects: false },
  );
}
