import { expect, test } from 'vitest';
import { runKubeadm, type StepContext } from './steps.ts';

/** A control plane that an earlier run has made, with these arguments of its API server; `isMarked`: that run lived to write it down. */
function madeWith(argument: string, isMarked: boolean, secretsEncryption: boolean): StepContext {
  const files: Readonly<Record<string, string>> = {
    '/etc/kubernetes/kubelet.conf': 'x',
    '/etc/kubernetes/admin.conf': 'x',
    '/etc/kubernetes/manifests/kube-apiserver.yaml': `spec:\n  containers:\n  - command:\n    - kube-apiserver\n    - ${argument}\n`,
  };
  return {
    join: { cluster: 'shop', machine: 'cp-1', role: 'control-plane', secretsEncryption },
    host: {
      read: async (path: string) => files[path],
      run: async () => ({ code: 0, stdout: '', stderr: '' }),
    },
    marks: { has: () => isMarked, set: async () => undefined },
  } as unknown as StepContext;
}
const encrypts = '--encryption-provider-config=/etc/kubernetes/encryption.yaml';

test.each([true, false])(
  'a control plane that a run before made without encryption is not taken for one that encrypts, written down by that run or not: %s',
  async (isMarked) => {
    await expect(runKubeadm(madeWith('--allow-privileged=true', isMarked, true))).rejects.toThrow(
      'the control plane on cp-1 was made without encryption of Secrets, and cluster.yaml says secretsEncryption: true; write false, or make a new cluster (isthmus down, then isthmus up)',
    );
    expect(await runKubeadm(madeWith(encrypts, isMarked, true))).toMatch(/^done before/);
    expect(await runKubeadm(madeWith('--allow-privileged=true', isMarked, false))).toMatch(/^done before/);
  },
);
