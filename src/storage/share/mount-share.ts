import { HostError } from '#host/host.ts';
import type { Inside } from '#host/inside.ts';
import { mount } from '#host/mounts.ts';
import { RpcError } from '#rpc/rpc.ts';

/**
 * Mounts a file share, or a directory of one, with the machine's own NFS client.
 * @unit source: `10.9.0.7:/pvc-1`
 * @fails RpcError FAILED_PRECONDITION: the machine has no NFS client · HostError with the words of `mount`
 */
export async function mountShare(
  inside: Inside,
  what: { readonly source: string; readonly target: string; readonly options: readonly string[] },
): Promise<void> {
  try {
    await mount(inside, { ...what, type: 'nfs4' });
  } catch (e) {
    if (!(e instanceof HostError) || !hasNoClient(e.message)) throw e;
    throw new RpcError(
      'FAILED_PRECONDITION',
      `mounting ${what.source}: this machine has no NFS client: install nfs-common (Debian, Ubuntu) or nfs-utils (Red Hat), also in the image of cloud machines`,
    );
  }
}

/** @source util-linux libmount, mnt_context_get_mount_excode: what it says of a type whose program is missing, and of one that the kernel does not know */
function hasNoClient(text: string): boolean {
  return text.includes('helper program') || text.includes('unknown filesystem type');
}
