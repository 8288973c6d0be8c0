import type { ControllerPart } from '#capability/controller-part.ts';
import { ms, seconds } from '#unit/clock.ts';
import { runOrphanController } from './controller/orphan-controller.ts';
import { runFenceController } from './fence/fence-controller.ts';
import { runGuardController } from './guard/guard-controller.ts';
import { runCloudOrphanController } from './orphans/cloud-orphan-controller.ts';
import { storageSettingsSchema } from './settings.ts';

/** What the storage capability runs in the controller. */
export const storageControllers: readonly ControllerPart[] = [
  {
    name: 'volume-places',
    run: ({ kube, caches, events, note }, end) => runGuardController({ kube, caches, events, note }, end),
  },
  {
    name: 'fence',
    run: async ({ kube, cloud, caches, events, settings, ownSettings, note }, end) => {
      const { powerOffSilentAfterMs: after } = await ownSettings('storage', storageSettingsSchema);
      const policy = { confirmAfter: seconds(10), powerOffAfter: after === undefined ? undefined : ms(after) };
      await runFenceController(
        { kube, compute: cloud.compute, caches, events, mark: settings.name, policy, note },
        end,
      );
    },
  },
  {
    name: 'disk-orphans',
    run: ({ kube, cloud, settings, note }, end) =>
      runOrphanController({ kube, disks: cloud.disks, mark: settings.name, note }, end),
  },
  {
    name: 'volume-orphans',
    run: ({ kube, cloud: { disks, fileShares: shares }, settings, events, note }, end) =>
      runCloudOrphanController({ kube, disks, shares, events, mark: settings.name, note }, end),
  },
];
