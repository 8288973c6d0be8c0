import * as z from 'zod';

/** How one spec ended. `left`: by its own decision, with its reason. */
export interface SpecResult {
  readonly name: string;
  readonly state: 'passed' | 'failed' | 'left';
  /** @unit seconds */
  readonly took: number;
  /** Why it failed or skipped itself. */
  readonly why?: string;
}

const specSchema = z.object({
  LeafNodeType: z.string(),
  ContainerHierarchyTexts: z.array(z.string()).nullable(),
  LeafNodeText: z.string(),
  State: z.string(),
  RunTime: z.number(),
  Failure: z.object({ Message: z.string().optional() }).optional(),
});
type SpecReport = z.infer<typeof specSchema>;
const reportSchema = z.array(z.object({ SpecReports: z.array(specSchema) }));

/**
 * The specs of a report that were run, sorted by name; what the focus left out is not among them. A step of the suite itself
 * that failed counts as a failed spec: without it nothing was proved.
 * @source the JSON report of Ginkgo 2 (onsi/ginkgo types/types.go, SpecReport; RunTime in nanoseconds)
 */
export function readReport(text: string): readonly SpecResult[] {
  return reportSchema
    .parse(JSON.parse(text))
    .flatMap(({ SpecReports }) => SpecReports)
    .filter(wasRun)
    .map(resultOf)
    .sort((a, b) => a.name.localeCompare(b.name));
}

function wasRun({ LeafNodeType, State, Failure }: SpecReport): boolean {
  const state = stateOf(State);
  if (LeafNodeType !== 'It') return state === 'failed';
  return state !== 'left' || (Failure?.Message ?? '') !== '';
}

function resultOf(spec: SpecReport): SpecResult {
  const why = spec.Failure?.Message ?? '';
  return {
    name: [...(spec.ContainerHierarchyTexts ?? []), spec.LeafNodeText || spec.LeafNodeType].join(' '),
    state: stateOf(spec.State),
    took: spec.RunTime / 1e9,
    ...(why !== '' && { why }),
  };
}

/** Whatever is neither passed nor skipped (`panicked`, `interrupted`, `timedout`, …) is a failure. */
function stateOf(state: string): SpecResult['state'] {
  if (state === 'passed') return 'passed';
  return state === 'skipped' || state === 'pending' ? 'left' : 'failed';
}
