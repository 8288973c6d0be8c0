import { type Beginning, bare, type Product } from '../gateway/product.ts';
import type { UnetCloud, UnetSeen } from './cloud.ts';
import { firewallActions } from './firewall.ts';
import type { FirewallRecord, UnetState } from './state.ts';

/** What concerns the internet: firewalls. */
export const unet = {
  ...bare,
  newState: ({ createdAt }: Beginning): UnetState => ({ firewalls: recommended(createdAt) }),
  actions: firewallActions,
} satisfies Product<UnetSeen, unknown, unknown, UnetCloud>;

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
