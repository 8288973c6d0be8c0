import { type Beginning, bare, type CloudObject, type Product } from '../gateway/product.ts';
import type { UlbWorks } from '../ulb/work.ts';
import type { UlbWorld } from '../ulb/world.ts';
import type { UnetCloud, UnetSeen } from './cloud.ts';
import { eipActions } from './eip.ts';
import { firewallActions } from './firewall.ts';
import { unetLimits } from './limits.ts';
import type { FirewallRecord, UnetState } from './state.ts';
import { createUnetWorks } from './work.ts';

/** What concerns the internet: firewalls, and addresses (EIPs). */
export const unet = {
  ...bare,
  newState: ({ createdAt }: Beginning): UnetState => ({ firewalls: recommended(createdAt), eips: [] }),
  limits: unetLimits,
  actions: { ...firewallActions, ...eipActions },
  work: createUnetWorks,
  objects: ({ eips }: UnetState): readonly CloudObject[] =>
    eips.map(({ id, ip, name, at, resource }) => ({
      kind: 'eip',
      id,
      name,
      state: at,
      where: resource === undefined ? ip : `${ip} for ${resource}`,
      labelType: 'eip',
    })),
} satisfies Product<UnetSeen, UlbWorld, UlbWorks, UnetCloud>;

/**
 * What every account has from the beginning. The ports are those of the console's two templates.
 * @source terraform-provider-ucloud: a new account has at least two firewalls, of these types
 */
function recommended(createdAt: number): FirewallRecord[] {
  const born = { tag: 'Default', remark: '', createdAt, machines: [] };
  const open = (port: number): string => `TCP|${port}|0.0.0.0/0|ACCEPT|HIGH|`;
  const ping = 'ICMP||0.0.0.0/0|ACCEPT|HIGH|';
  return [
    {
      ...born,
      id: 'firewall-web',
      name: 'Web',
      type: 'recommend web',
      rules: [open(22), open(80), open(443), open(3389), ping],
    },
    { ...born, id: 'firewall-nonweb', name: 'Non web', type: 'recommend non web', rules: [open(22), open(3389), ping] },
  ];
}
