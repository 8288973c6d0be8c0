import type { State } from '../ucloud/products.ts';

/** The ledger without secrets: user data and passwords of machines, keys of temporary credentials. */
export function withoutSecrets(state: State): object {
  return {
    ...state,
    sessions: state.sessions.map(({ publicKey, expiresAt }) => ({ publicKey, expiresAt })),
    machines: state.machines.map((machine) => ({ ...machine, userData: undefined, password: undefined })),
  };
}
