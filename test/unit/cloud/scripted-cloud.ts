import { afterEach } from 'vitest';
import { ms } from '#unit/clock.ts';
import type { Cloud } from '../../../src/cloud/cloud.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';
import { type Parameters, type Reply, type ScriptedApi, scriptedApi, success } from './scripted-api.ts';

const opened: ScriptedApi[] = [];
/** Call it in a test file that asks for such clouds: they are closed after each test. */
export function closeScriptedClouds(): void {
  afterEach(async () => {
    for (const api of opened.splice(0)) await api.close();
  });
}

/** A cloud whose every action is scripted; an action without a script answers with success and nothing in it. */
export async function scriptedCloud(
  script: Readonly<Record<string, (turn: number, call: Parameters) => Reply>>,
): Promise<Cloud & { sent: (action: string) => readonly Parameters[] }> {
  const api = await scriptedApi((call, turn) => script[call['Action'] ?? '']?.(turn, call) ?? success);
  opened.push(api);
  const cloud = connectUcloud({
    endpoint: api.endpoint,
    region: 'cn-bj2',
    zone: 'cn-bj2-05',
    project: 'org-1',
    publicKey: 'public-key',
    privateKey: 'private-key',
    poll: ms(20),
    pause: ms(10),
  });
  return { ...cloud, sent: (action) => api.calls.filter((call) => call['Action'] === action) };
}
