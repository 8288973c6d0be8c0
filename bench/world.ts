import { connect } from '#kube/client.ts';
import { namespaces } from '#kube/resources.ts';
import type { ApiServer } from '../test/support/api-server.ts';
import { namespace, podNumber, store, templatePod } from './pods.ts';
import { digestOf, type PodLine } from './report.ts';

/** The pods of the API server, and what etcd said about each: the truth that copies are held against. */
export interface World {
  /** Of the pods as they are now. */
  digest(): string;
  /** The key of the pod that `change` writes last. */
  lastOf(round: number): string;
  /** Gives this many pods new labels, each by a write of its own, and then makes one pod more. */
  change(round: number, count: number): Promise<void>;
}

/** @unit objects: pods that are there before anybody looks */
export async function makeWorld(server: ApiServer, objects: number): Promise<World> {
  const kube = connect(server.access);
  await kube.create(namespaces, { metadata: { name: namespace } });
  const template = await templatePod(kube);
  await kube.close();

  const truth = new Map<string, PodLine>();
  const write = async (numbers: readonly number[], round: number): Promise<void> => {
    const some = numbers.map((n) => podNumber(template, n, round));
    for (const line of await store(server.etcd, some)) truth.set(line.name, line);
  };
  // A hundred pods stay below the size that etcd takes at once. They share one revision, so the API server could tell a follower
  // that starts at once a part of them: the last pod, alone in a later revision, makes it know the rest first.
  for (let first = 0; first < objects - 1; first += 100)
    await write(range(first, Math.min(first + 100, objects - 1)), 0);
  await write([objects - 1], 0);

  return {
    digest: () => digestOf([...truth.values()]),
    lastOf: (round) => `${namespace}/${podNumber(template, objects + round, 0).line.name}`,
    async change(round, count) {
      for (let first = 0; first < count; first += 32)
        await Promise.all(range(first, Math.min(first + 32, count)).map((n) => write([n], round)));
      await write([objects + round], 0);
    },
  };
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}
