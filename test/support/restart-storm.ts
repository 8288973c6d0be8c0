import { isDeepStrictEqual } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { connect } from '#kube/client.ts';
import { type Kube, KubeError } from '#kube/kube.ts';
import { type ConfigMapObject, configMaps, namespaces } from '#kube/resources.ts';
import { keyOf } from '#kube/watch-store.ts';
import { minutes, ms, sleep, waitFor } from '#unit/clock.ts';
import type { ApiServer } from './api-server.ts';

export interface Storm {
  /** Config maps that are there from the beginning, and about as many all the time. */
  readonly objects: number;
  /** How often the API server is killed and started again. */
  readonly restarts: number;
}

export interface StormSeen {
  /** `namespace/name` and version of everything, as the copy has it and as etcd has it. */
  readonly copy: ReadonlyMap<string, string>;
  readonly stored: ReadonlyMap<string, string>;
  /** Keys that a writer changed, by its own account, and whose last state no listener heard. */
  readonly unheard: readonly string[];
  readonly written: number;
  /** Troubles that the copy outlived. */
  readonly troubles: number;
  /** Bytes that live in this process after a full collection, once in each tenth of the restarts. */
  readonly memory: readonly number[];
}

const namespace = 'storm';
const writers = 4;

/**
 * Follows config maps while writers change them and the API server is killed and started again.
 * @fails WaitedTooLong when the copy does not become what etcd holds
 */
export async function restartStorm(server: ApiServer, { objects, restarts }: Storm): Promise<StormSeen> {
  const kube = connect(server.access, { within: minutes(1) });
  let troubles = 0;
  const follower = connect(server.access, { onTrouble: () => troubles++ });
  const stop = new AbortController();
  try {
    await kube.create(namespaces, { metadata: { name: namespace } });
    await fill(kube, objects);
    const cache = follower.cache(configMaps, { namespace }, stop.signal, ({ metadata }) => ({
      key: keyOf(metadata),
      version: metadata.resourceVersion ?? '',
    }));
    const heard = new Map<string, string | undefined>();
    cache.onChange((key) => heard.set(key, cache.get(nameIn(key))?.version));
    await cache.synced;
    heard.clear();

    const writing = writeUntilTold(kube, objects);
    const memory: number[] = [];
    for (let restart = 1; restart <= restarts; restart++) {
      await server.kill();
      await server.restart();
      const before = writing.written();
      await waitFor('the writers to go on', async () => writing.written() > before + 20, { within: minutes(2) });
      if (restart % Math.ceil(restarts / 10) === 0) memory.push(livingBytes());
    }
    const changed = await writing.end();

    const stored = await storedIn(server);
    const copyNow = () => new Map(cache.list().map(({ key, version }) => [key, version]));
    await waitFor('the copy to be what etcd holds', async () => isDeepStrictEqual(copyNow(), stored), {
      within: minutes(2),
    }).catch(() => undefined);
    const unheard = [...changed].filter((key) => !heard.has(key) || heard.get(key) !== stored.get(key));
    return { copy: copyNow(), stored, unheard, written: writing.written(), troubles, memory };
  } finally {
    stop.abort(new Error('the storm is over'));
    await follower.close();
    await kube.close();
  }
}

async function fill(kube: Kube, objects: number): Promise<void> {
  for (let first = 0; first < objects; first += 50)
    await Promise.all(
      Array.from({ length: Math.min(50, objects - first) }, (_, i) =>
        kube.create(configMaps, configMap(first + i, { state: 'first' })),
      ),
    );
}

/** Creates, changes and removes at random. A refusal or a dead server only costs the turn, and what came of it is not known. */
function writeUntilTold(kube: Kube, objects: number) {
  const changed = new Set<string>();
  let written = 0;
  let going = true;
  const one = async (): Promise<void> => {
    for (let turn = 0; going; turn++) {
      const object = configMap(Math.floor(Math.random() * objects), { state: `${turn} ${Math.random()}` });
      const write =
        Math.random() < 0.2
          ? kube.delete(configMaps, object.metadata)
          : kube.apply(configMaps, object, { manager: 'writer', force: true });
      try {
        await write;
        written++;
        changed.add(keyOf(object.metadata));
      } catch (e) {
        if (!(e instanceof KubeError)) throw e;
        // Not in a tight loop while nobody is there.
        await sleep(ms(50));
      }
    }
  };
  const all = Promise.all(Array.from({ length: writers }, one));
  return {
    written: () => written,
    /** The keys of all writes that were acknowledged. */
    async end(): Promise<ReadonlySet<string>> {
      going = false;
      await all;
      return changed;
    },
  };
}

async function storedIn(server: ApiServer): Promise<ReadonlyMap<string, string>> {
  const folder = '/registry/configmaps/';
  const revisions = await server.etcd.revisions(`${folder}${namespace}/`);
  return new Map([...revisions].map(([key, revision]) => [key.slice(folder.length), revision]));
}

function livingBytes(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

function nameIn(key: string): { readonly namespace: string; readonly name: string } {
  return { namespace, name: key.slice(namespace.length + 1) };
}

function configMap(n: number, data: Record<string, string>): ConfigMapObject {
  return { metadata: { namespace, name: `cm-${n}` }, data };
}
