import { type CloudFailure, explainFailure } from '#cloud/failure.ts';
import { type RpcCode, RpcError } from '#rpc/rpc.ts';

/** What was being done when the cloud refused; `changed`: something of this call is done already, so no answer may say that nothing is. */
export type Doing = 'making' | 'attaching' | 'changing' | 'looking' | 'changed';

/**
 * The code of a failure. The provisioner takes UNAVAILABLE and ABORTED for "perhaps done, ask again", RESOURCE_EXHAUSTED for "perhaps
 * elsewhere", and every other code for "nothing was done".
 * @source facts of external-provisioner v6 (checkError) and kubelet (volume/csi); CSI spec 1.13, "Error Scheme"
 */
export function codeOf(failure: CloudFailure, doing: Doing): RpcCode {
  if (doing === 'changed') return 'UNAVAILABLE';
  switch (failure.kind) {
    case 'throttled':
    case 'unavailable':
    case 'unknown':
      return 'UNAVAILABLE';
    case 'gone':
      return 'NOT_FOUND';
    case 'exhausted':
      return 'RESOURCE_EXHAUSTED';
    case 'quota':
      // Of a machine: the pod may go to another one. Of the account: no other node helps.
      return doing === 'attaching' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
    case 'outOfReach':
      return doing === 'making' ? 'RESOURCE_EXHAUSTED' : 'FAILED_PRECONDITION';
    case 'state':
      return doing === 'making' ? 'FAILED_PRECONDITION' : 'ABORTED';
    case 'inUse':
    case 'billing':
      return 'FAILED_PRECONDITION';
    case 'denied':
      return 'PERMISSION_DENIED';
    case 'invalid':
      return 'INVALID_ARGUMENT';
  }
}

/** The answer to a call that the cloud refused. @unit what: `making volume pvc-1` */
export function refusal(what: string, failure: CloudFailure, doing: Doing): RpcError {
  const cure = cures[failure.kind];
  const words = `${what}: ${explainFailure(failure)}`;
  return new RpcError(codeOf(failure, doing), cure === undefined ? words : `${words}; ${cure}`);
}

/** What a person can do, in terms of claims and pods. */
const cures: Readonly<Partial<Record<CloudFailure['kind'], string>>> = {
  exhausted: 'the cloud has none left here: use another zone or kind of disk, or wait',
  quota: 'remove what is not needed, or ask the provider to raise the quota',
  billing: "settle it in the provider's console; it is tried again by itself",
  gone: 'the cloud knows nothing of that id in this project and region: look whether it was removed, or is in another project or region',
  denied: 'look whether the keys of the account are right and may do this',
  outOfReach: 'the disk and the machine are in different parts of the zone: use another node',
};
