import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Kubectl } from '#lab/demo/proof.ts';
import { minutes, ms, waitFor } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';

/** Pods that write and read volumes of a cluster; everything is in the namespace `default`. */
export interface VolumePods {
  apply(...objects: readonly object[]): Promise<void>;
  /** What the API server would say to whoever applies the object, which is not made; empty when it has nothing to say. */
  warningsOf(object: object): Promise<string>;
  /** Makes a pod with the claim at /data, and waits until it runs. @unit on: the name of the only node that it may run on */
  start(pod: string, claim: string, on?: string): Promise<void>;
  /** Writes 8 MiB of chance to the volume. @shape their digest */
  write(pod: string): Promise<string>;
  /** The digest of what is in the volume. */
  sum(pod: string): Promise<string>;
  /** The size of the file system, in KiB. */
  size(pod: string): Promise<number>;
  run(pod: string, script: string): Promise<string>;
  /** Raises what a claim asks for, and waits until its volume has it. */
  grow(claim: string, to: string): Promise<void>;
  /** Removes an object and waits until it is gone; one that is gone is fine. */
  remove(kind: string, name: string): Promise<void>;
}

export async function withVolumePods(kubectl: Kubectl, work: (pods: VolumePods) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'volume-pods-'));
  const fileOf = async (items: readonly object[]): Promise<string> => {
    const file = join(folder, `${crypto.randomUUID()}.json`);
    await writeFile(file, JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
    return file;
  };
  const apply = async (...items: readonly object[]): Promise<void> => {
    await kubectl(['apply', '-f', await fileOf(items)]);
  };
  const run = (pod: string, script: string): Promise<string> => kubectl(['exec', pod, '--', 'sh', '-c', script]);
  const sum = async (pod: string): Promise<string> => (await run(pod, 'sha256sum /data/file')).split(' ')[0] ?? '';
  try {
    await work({
      apply,
      warningsOf: async (object) =>
        kubectl(['apply', '--dry-run=server', '--warnings-as-errors', '-f', await fileOf([object])]).then(
          () => '',
          messageOf,
        ),
      run,
      sum,
      start: async (pod, claim, on) => {
        await apply(podOn(pod, claim, on === undefined ? {} : { 'kubernetes.io/hostname': on }));
        await kubectl(['wait', '--for=condition=Ready', '--timeout=110s', `pod/${pod}`]).catch(
          async (cause: unknown) => {
            const events = await kubectl(['get', 'events', '--sort-by=.lastTimestamp']);
            throw new Error(`pod ${pod} is not ready:\n${events.split('\n').slice(-20).join('\n')}`, { cause });
          },
        );
      },
      write: async (pod) => {
        await run(pod, 'dd if=/dev/urandom of=/data/file bs=1M count=8 2>/dev/null && sync /data/file');
        return sum(pod);
      },
      size: async (pod) => Number(await run(pod, "df -k /data | awk 'END { print $2 }'")),
      grow: (claim, to) => growTo(kubectl, claim, to),
      remove: async (kind, name) => {
        await kubectl(['delete', kind, name, '--wait=true', '--timeout=110s', '--ignore-not-found']);
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function growTo(kubectl: Kubectl, claim: string, to: string): Promise<void> {
  const patch = { spec: { resources: { requests: { storage: to } } } };
  await kubectl(['patch', 'pvc', claim, '--type=merge', '-p', JSON.stringify(patch)]);
  const volume = await kubectl(['get', 'pvc', claim, '-o', 'jsonpath={.spec.volumeName}']);
  await waitFor(
    `the volume of ${claim} to be of ${to}`,
    async () => {
      const size = await kubectl(['get', 'pv', volume, '-o', 'jsonpath={.spec.capacity.storage}']);
      if (size === to) return true;
      const events = await kubectl(['get', 'events', '--field-selector', `involvedObject.name=${claim}`]);
      throw new Error(`${size}\n${events}`);
    },
    { within: minutes(2), every: ms(500) },
  );
}

/** @unit more: further fields of its spec */
export function claimOf(name: string, storageClassName: string, storage: string, more: object = {}): object {
  return {
    apiVersion: 'v1',
    kind: 'PersistentVolumeClaim',
    metadata: { name },
    spec: { storageClassName, accessModes: ['ReadWriteOncePod'], resources: { requests: { storage } }, ...more },
  };
}

/** A pod with a shell that has the claim at /data. */
export function podOn(name: string, claimName: string, nodeSelector: Readonly<Record<string, string>>): object {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name },
    spec: {
      nodeSelector,
      terminationGracePeriodSeconds: 0,
      containers: [
        {
          name: 'shell',
          image: 'registry.k8s.io/e2e-test-images/agnhost:2.63.0',
          command: ['sleep', '3600'],
          volumeMounts: [{ name: 'data', mountPath: '/data' }],
        },
      ],
      volumes: [{ name: 'data', persistentVolumeClaim: { claimName } }],
    },
  };
}
