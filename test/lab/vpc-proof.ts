import { observeMachines } from '#lab/server/machines.ts';
import { seconds, waitFor } from '#unit/clock.ts';
import type { Probe } from './lab-tools.ts';

/** Asks by TCP who a machine takes the asker for. */
export interface VpcProof {
  /** Has the machine answer whoever asks with the address that he comes from; `also`: under a further address of its own. */
  answer(machine: string, also?: string): Promise<void>;
  /** The address that `from` is seen with at `to`. @fails Error when it gets no answer within 30 s */
  seen(from: string, to: string): Promise<string>;
  /** Whether `from` hears nothing from `to`. */
  isSilent(from: string, to: string): Promise<boolean>;
}

const port = 8080;

export function openVpcProof(at: Probe): VpcProof {
  /** Empty when nothing came. */
  const ask = async (from: string, to: string): Promise<string> =>
    (await at.run(from, `timeout 1 bash -c 'exec 3<>/dev/tcp/${to}/${port}; cat <&3'`)).out;
  return {
    answer: async (machine, also) => {
      if (also !== undefined) await at.ok(machine, `ip address replace ${also}/32 dev lo`);
      await at.ok(
        machine,
        `systemctl is-active -q who || systemd-run -q --collect --unit who socat TCP-LISTEN:${port},fork,reuseaddr 'SYSTEM:echo $SOCAT_PEERADDR'`,
      );
    },
    seen: (from, to) =>
      waitFor(`${from} to be answered by ${to}`, async () => (await ask(from, to)) || false, { within: seconds(30) }),
    isSilent: async (from, to) => (await ask(from, to)) === '',
  };
}

/** The names of those that hear nothing from `to`, of `from`. */
export async function silentOnes(proof: VpcProof, from: readonly string[], to: string): Promise<readonly string[]> {
  const heard = await Promise.all(from.map((one) => proof.isSilent(one, to)));
  return from.filter((_, at) => heard[at]);
}

export function addressOf(lab: string, machine: string): string {
  const found = observeMachines(lab).find(({ name, key }) => name === machine || key === machine);
  if (found === undefined) throw new Error(`lab ${lab} has no machine ${machine}`);
  return found.address;
}
