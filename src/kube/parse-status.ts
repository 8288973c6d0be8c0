import { type Ms, seconds } from '#unit/clock.ts';
import { KubeError } from './kube.ts';

/**
 * The error that an answer of the API server stands for.
 * @source https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/
 */
export function parseStatus(doing: string, status: number, body: string, retryAfter?: Ms): KubeError {
  const told = parseBody(body);
  const causes = told.details?.causes ?? [];
  const message = told.message ?? (body.slice(0, 200).trim() || 'the server gave no reason');
  // The message of a refused eviction does not name the budget; its cause does.
  const budgets = causes.flatMap((cause) => (cause.reason === 'DisruptionBudget' ? (cause.message ?? []) : []));
  return new KubeError(doing, {
    status,
    reason: told.reason ?? 'Unknown',
    message: [message, ...budgets].join(' '),
    conflicts: causes
      .filter((cause) => cause.reason === 'FieldManagerConflict')
      .map((cause) => ({ field: cause.field ?? '', message: cause.message ?? '' })),
    ...(retryAfter !== undefined && { retryAfter }),
  });
}

/** Retry-After as the API server writes it: whole seconds. `undefined` for anything else. */
export function parseRetryAfter(header: string | readonly string[] | undefined): Ms | undefined {
  return typeof header === 'string' && /^\d{1,5}$/.test(header) ? seconds(Number(header)) : undefined;
}

interface Status {
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly causes?: readonly { readonly reason?: string; readonly field?: string; readonly message?: string }[];
  };
}

function parseBody(body: string): Status {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null ? parsed : {};
  } catch {
    // A proxy's or an early error page is plain text: the caller shows it as it is.
    return {};
  }
}
