import { readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Kubectl } from '#lab/demo/proof.ts';
import { claimOf, withVolumePods } from './volume-pods.ts';

const guide = new URL('../../docs/guide/move-data.yaml', import.meta.url);

/** What the guide says of moving data, with its own manifest: from a machine of the site to a disk of the cloud, over the line. */
export async function dataMoves(kubectl: Kubectl): Promise<void> {
  const file = join(tmpdir(), `move-data-${process.pid}.yaml`);
  const text = await readFile(guide, 'utf8');
  await writeFile(
    file,
    text
      .replaceAll('image: busybox:1.37', 'image: registry.k8s.io/e2e-test-images/agnhost:2.63.0')
      .replace('claimName: from', 'claimName: move-site')
      .replace('claimName: to ', 'claimName: move-cloud '),
  );
  try {
    await withVolumePods(kubectl, async (pods) => {
      const once = { accessModes: ['ReadWriteOnce'] };
      await pods.apply(claimOf('move-site', 'local', '100Mi', once), claimOf('move-cloud', 'cloud-disk', '10Gi', once));
      await pods.start('before', 'move-site');
      const written = await pods.write('before');
      await pods.run('before', 'mkdir /data/deep && echo more > "/data/deep/a file" && chmod 640 /data/deep/*');
      await pods.remove('pod', 'before');
      await kubectl(['apply', '-f', file]);
      const isOver = '--for=jsonpath={.status.phase}=Succeeded';
      await kubectl(['wait', isOver, '--timeout=110s', 'pod/move-to']);
      const [from, to] = [await kubectl(['logs', 'move-from']), await kubectl(['logs', 'move-to'])];
      expect(from).toMatch(/^[0-9a-f]{64} /m);
      expect(to.trim().split('\n').at(-1)).toBe(from.trim().split('\n').at(-1));
      await kubectl(['delete', '--timeout=110s', '-f', file]);
      await pods.start('after', 'move-cloud');
      expect(await pods.sum('after')).toBe(written);
      expect((await pods.run('after', 'stat -c %a "/data/deep/a file"')).trim()).toBe('640');
      await pods.remove('pod', 'after');
      for (const claim of ['move-site', 'move-cloud']) await pods.remove('pvc', claim);
    });
  } finally {
    await rm(file);
  }
}
