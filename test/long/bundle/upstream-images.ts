import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readBundle } from '#cluster/bundle/bundle-folder.ts';
import { command } from '#lab/toolchain/command.ts';
import { buildImage } from '#lab/toolchain/container-images.ts';
import { ensureToolchain } from '#lab/toolchain/toolchain.ts';
import { push, type ReleaseWorld } from '../../lab/bundle/release-world.ts';

/** Fills the registry with everything that a cluster and the demo need, under the official names. */
export async function pushUpstreamImages(world: ReleaseWorld): Promise<void> {
  const { bundle: folder, bin } = await ensureToolchain();
  const { bundle } = await readBundle(folder);
  for (const { names, path } of bundle.images) {
    const [name = ''] = names;
    if (!name.startsWith('registry.k8s.io/')) continue;
    const archive = name.includes('/coredns:') ? await coreDnsAsUpstream(name, bin('coredns')) : join(folder, path);
    await push(world, archive, name);
  }
}

/**
 * Upstream's CoreDNS runs as a user who may not listen at port 53; a capability of the file lets it.
 * @source coredns Dockerfile @v1.14.7
 */
async function coreDnsAsUpstream(name: string, program: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'isthmus-coredns-'));
  try {
    const capable = join(folder, 'coredns');
    await copyFile(program, capable);
    // NET_BIND_SERVICE, permitted and effective, in the form of struct vfs_cap_data.
    const setCapability =
      "import os, struct, sys; os.setxattr(sys.argv[1], 'security.capability', struct.pack('<5I', 0x02000001, 1 << 10, 0, 0, 0))";
    await command('python3', ['-c', setCapability, capable]);
    const dockerfile =
      'FROM scratch\nCOPY coredns /coredns\nUSER 65532:65532\nWORKDIR /\nEXPOSE 53 53/udp\nENTRYPOINT ["/coredns"]\n';
    const image = await buildImage(
      { name, dockerfile, context: { coredns: capable }, inputs: [program, setCapability] },
      () => {},
    );
    return join(image, 'image.tar');
  } finally {
    await rm(folder, { recursive: true });
  }
}
