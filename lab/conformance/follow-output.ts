/** A line of progress made from what Ginkgo prints with `-v`. */
export type Progress =
  | { readonly at: 'start'; readonly specs: number }
  | { readonly at: 'spec'; readonly passed: boolean; readonly took: string; readonly name: string };

/**
 * Reads Ginkgo's output as it comes, piece by piece; calls `tell` when it says how many specs will run and when one has ended.
 * @source onsi/ginkgo v2 reporters/default_reporter.go, SuiteWillBegin and DidRun
 */
export function followOutput(tell: (progress: Progress) => void): (text: string) => void {
  let rest = '';
  let ended: { passed: boolean; took: string } | undefined;
  const takeLine = (line: string): void => {
    const total = /^Will run (\d+) of \d+ specs/.exec(line);
    if (total !== null) tell({ at: 'start', specs: Number(total[1]) });
    const end = /^• (?:(\[[A-Z ]+\]) )*\[([\d.]+) seconds\]/.exec(line);
    if (end !== null) ended = { passed: !line.includes('[FAILED]'), took: `${Number(end[2]).toFixed(1)} s` };
    else if (ended !== undefined && /^(\[sig-|External Storage )/.test(line)) {
      tell({ at: 'spec', ...ended, name: nameIn(line) });
      ended = undefined;
    }
  };
  return (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) takeLine(line);
  };
}

/** Without the labels at the end, and without the mark that a failed spec has before its last part. */
function nameIn(line: string): string {
  return line.replace(/ \[sig-[a-z-]+(, [^\]]+)*\]$/, '').replace(' [It] ', ' ');
}
