import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import { balancerControllers } from '#balancer/controllers.ts';
import type { ControllerPart } from '#capability/controller-part.ts';
import { serveHealth } from '#capability/health.ts';
import { healthPorts } from '#capability/health-ports.ts';
import { controllerLease, settingsSchema, systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { recordEvents } from '#kube/events.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { elect } from '#kube/lease.ts';
import { networkControllers } from '#network/controllers.ts';
import { nodeControllers } from '#node/controllers.ts';
import { storageControllers } from '#storage/controllers.ts';
import { formatMs, ms, seconds } from '#unit/clock.ts';
import { counter, gauge } from '#unit/metrics.ts';
import { main } from './main.ts';
import { openCloud } from './open-cloud.ts';
import { readSettings } from './settings-files.ts';
import { sharedCaches } from './shared-caches.ts';
import { supervise } from './supervise.ts';

/** Every controller of the product. */
const controllers: readonly ControllerPart[] = [
  ...networkControllers,
  ...nodeControllers,
  ...balancerControllers,
  ...storageControllers,
];

const leading = gauge('isthmus_leader', '1 while this replica holds the lease and its controllers run.');
const eventsLost = counter('isthmus_events_lost_total', 'Events that could not be written or were too many.');
const watchTroubles = counter('isthmus_watch_interruptions_total', 'Interruptions in following the API server.');

/** Files of ConfigMap and Secret, by the controller's Deployment. */
const folder = '/etc/isthmus';
/** A replica that the API server has not answered for this long does no work, and can't take over. */
const silence = seconds(30);

/** The cluster's controller: `node controller.mjs`, environment POD_NAME, KUBERNETES_SERVICE_HOST and _PORT, files under /etc/isthmus. */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'controller' } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const settings = await readSettings(folder, 'settings.json', settingsSchema);
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => {
      watchTroubles.inc();
      log.warn({ fault: trouble.message }, 'following the API server');
    },
  });
  const cloud = await openCloud(settings, `${folder}/cloud`, { stop, note });
  const instance = process.env['POD_NAME'] ?? process.env['HOSTNAME'] ?? 'controller';
  const events = recordEvents(kube, {
    controller: 'isthmus.dev/controller',
    instance,
    stop,
    onLost: (why) => {
      eventsLost.inc();
      log.warn({ why }, 'an Event was lost');
    },
  });
  let answered = performance.now();
  const election = {
    name: controllerLease,
    namespace: systemNamespace,
    // The name alone would be the same for two containers of one pod, one after the other.
    identity: `${instance}-${crypto.randomUUID().slice(0, 8)}`,
    onTrouble: (trouble: Error) => log.warn({ fault: trouble.message }, 'renewing the lease'),
    onTurn: () => {
      answered = performance.now();
    },
  };
  const ready = (): string | undefined => {
    const since = ms(performance.now() - answered);
    return since > silence ? `the API server has not answered for ${formatMs(since)}` : undefined;
  };
  const health = await serveHealth({ live: () => undefined, ready }, { port: healthPorts.controller });
  try {
    await elect(kube, election, stop, async (end, term) => {
      log.info({ identity: election.identity, term }, 'leading');
      leading.set(1);
      const given = {
        kube,
        cloud,
        settings,
        ownSettings: <T>(capability: string, schema: Parameters<typeof readSettings<T>>[2]) =>
          readSettings(folder, `${capability}.json`, schema),
        caches: sharedCaches(kube, end),
        events,
        note,
      };
      await supervise(controllers, given, end).finally(() => leading.set(0));
    });
  } finally {
    await health.close();
    await kube.close();
  }
});
