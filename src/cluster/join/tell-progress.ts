import type { Host } from '#host/host.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import { connect } from '#kube/client.ts';
import type { Kube } from '#kube/kube.ts';
import { configMaps } from '#kube/resources.ts';
import type { JoinFile } from '#machine/join-file.ts';
import {
  apiAuthorityPath,
  formatAmount,
  formatJoinReport,
  type JoinReport,
  joinRecordName,
} from '#machine/join-report.ts';
import { seconds, sleep } from '#unit/clock.ts';

/** What a join tells of its progress: bytes as they come, steps as they begin. */
export interface Progress {
  /** How many bytes of the bundle the machine needs is known now. */
  readonly expect: (of: number) => void;
  /** What to call as bytes of this file come. */
  readonly file: (path: string) => (have: number) => void;
  readonly step: (what: string) => void;
  readonly fail: (why: string) => void;
  /** Tells the last state and ends. */
  readonly end: () => Promise<void>;
}

const every = seconds(5);

/**
 * Tells how far the join is, in lines and, where the machine has a join token, to the API server: nobody can log in to a cloud
 * worker, so this is how `up` sees that it makes progress. That it can't be told is never a reason to stop.
 */
export async function tellProgress(join: JoinFile, host: Host, say: (line: string) => void): Promise<Progress> {
  const files = new Map<string, number>();
  let report: JoinReport = { step: 'check', have: 0, of: 0, fault: undefined };
  const kube = await openApi(join, host);
  const stop = new AbortController();
  let toldBytes = 0;
  const tell = async (): Promise<void> => {
    if (report.have !== toldBytes) say(`  fetched ${formatAmount(report)}`);
    toldBytes = report.have;
    const at = { name: joinRecordName(join.machine), namespace: systemNamespace };
    // Sent also when nothing changed: an earlier try may not have got through, and the server ignores what it knows.
    await kube?.merge(configMaps, at, formatJoinReport(report)).catch(() => undefined);
  };
  const telling = (async (): Promise<void> => {
    while (!stop.signal.aborted) {
      await tell();
      await sleep(every, stop.signal).catch(() => undefined);
    }
  })();
  const change = (part: Partial<JoinReport>): void => {
    report = { ...report, ...part };
  };
  return {
    expect: (of) => change({ of }),
    file: (path) => (have) => {
      files.set(path, have);
      change({ have: [...files.values()].reduce((sum, bytes) => sum + bytes, 0) });
    },
    step: (step) => change({ step }),
    fail: (fault) => change({ fault }),
    end: async () => {
      stop.abort();
      await telling;
      await tell();
      await kube?.close();
    },
  };
}

async function openApi({ admission, api }: JoinFile, host: Host): Promise<Kube | undefined> {
  const ca = await host.read(apiAuthorityPath);
  if (admission === undefined || ca === undefined) return undefined;
  const token = (): string => admission.token;
  return connect({ server: `https://${api.address}:${api.port}`, ca, token }, { within: seconds(10) });
}
