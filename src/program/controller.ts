import { readFile } from 'node:fs/promises';
import { pino } from 'pino';
import type * as z from 'zod';
import { connectUcloud } from '#cloud/ucloud/ucloud.ts';
import { settingsSchema, systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import { inClusterAccess } from '#kube/kubeconfig.ts';
import { elect } from '#kube/lease.ts';
import { runPodRangeController } from '#network/ipam/pod-range-controller.ts';
import { networkSettingsSchema } from '#network/settings.ts';
import { cidr } from '#unit/ip.ts';
import { main } from './main.ts';

/** The cluster's controller: `node controller.mjs`, environment KUBERNETES_SERVICE_HOST and _PORT, files under /etc/isthmus. */
main(import.meta.filename, async (stop) => {
  const log = pino({ base: { program: 'controller' } });
  const settings = await readSettings('settings.json', settingsSchema);
  const network = await readSettings('network.json', networkSettingsSchema);
  const kube = connect(await inClusterAccess((path) => readFile(path, 'utf8'), process.env), {
    onTrouble: (trouble) => log.warn({ fault: trouble.message }, 'following the API server'),
  });
  const cloud = connectUcloud({
    ...settings.cloud,
    publicKey: await secret('publicKey'),
    privateKey: await secret('privateKey'),
  });
  const { vpc, services, site, sitePods } = settings.ranges;
  // The name alone would be the same for two containers of one machine.
  const identity = `${process.env['HOSTNAME'] ?? 'controller'}-${crypto.randomUUID().slice(0, 8)}`;
  const election = {
    name: 'isthmus-controller',
    namespace: systemNamespace,
    identity,
    onTrouble: (trouble: Error) => log.warn({ fault: trouble.message }, 'renewing the lease'),
  };
  try {
    await elect(kube, election, stop, async (end, term) => {
      log.info({ identity, term }, 'leading');
      await runPodRangeController(
        {
          kube,
          cloud,
          mark: settings.name,
          reserved: [...vpc, services, ...site].map(cidr),
          policy: { sitePods: cidr(sitePods), ...network },
          note: (facts, doing) => log.info(facts, doing),
        },
        end,
      );
    });
  } finally {
    await kube.close();
  }
});

async function readSettings<T>(file: string, schema: z.ZodType<T>): Promise<T> {
  const path = `/etc/isthmus/${file}`;
  const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`reading ${path}, written by isthmus up: ${faults.join('; ')}`);
}

async function secret(name: string): Promise<string> {
  return (await readFile(`/etc/isthmus/cloud/${name}`, 'utf8')).trim();
}
