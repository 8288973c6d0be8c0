import { type Kube, KubeError, type KubeObject, type Resource } from './kube.ts';

/** All objects of a resource; none while the cluster does not have its definition yet. @fails KubeError */
export async function listIfServed<T extends KubeObject>(kube: Kube, resource: Resource<T>): Promise<readonly T[]> {
  try {
    return await kube.list(resource);
  } catch (e) {
    if (e instanceof KubeError && e.status === 404) return [];
    throw e;
  }
}
