import { expect, test } from 'vitest';
import type { At } from './at.ts';
import { resetRemovedMachine } from './remove-machine.ts';

test('a removed machine whose Node has no address is told, and nobody logs in anywhere', async () => {
  const said: string[] = [];
  const session = {
    config: { ssh: { user: 'root', key: '/keys/site' } },
    signal: new AbortController().signal,
  };
  // Whoever looked for more of a session, or for the cluster, would fail.
  const leave = (line: string): void => void said.push(line);
  await resetRemovedMachine({ session, leave } as unknown as At, 'base-9', undefined);
  expect(said).toEqual([
    'base-9 is removed from the cluster and could not be reset: base-9: connecting: its Node has no InternalIP. Kubernetes, its pods and its pod network stay on it; run isthmus machine reset on it before it is used again',
  ]);
});
