import type { ApplicationBalancers, ApplicationListener, ApplicationListening } from '#cloud/application-balancer.ts';
import type { CertificateContent, Certificates } from '#cloud/certificate.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import { callLimit } from '../cloud-view.ts';
import { type Client, type CloudAt, explainStep, on, performStep, taken } from '../perform-step.ts';
import type { NoteStep } from '../plan-life.ts';
import type { ApplicationStep } from './plan-application.ts';

/** What is done in the cloud for an ALB. */
export type AlbStep = Exclude<ApplicationStep, NoteStep>;

/** What only an ALB has. */
type OwnStep = Extract<AlbStep, { readonly do: 'certify' | 'route' | 'reroute' | 'unroute' }>;

function isOwnStep(step: AlbStep): step is OwnStep {
  return ['certify', 'route', 'reroute', 'unroute'].includes(step.do);
}

export interface AlbAt extends CloudAt<ApplicationListening, ApplicationListener> {
  readonly balancers: ApplicationBalancers;
  readonly certificates: Certificates;
  /** By digest; `undefined` when the Secret has changed meanwhile, so that another one is asked for next. */
  readonly contentOf: (digest: string) => CertificateContent | undefined;
}

/** @shape the failure; `undefined` when it is done and known */
export async function performApplicationStep(
  at: AlbAt,
  client: Client,
  step: AlbStep,
): Promise<CloudFailure | undefined> {
  if (!isOwnStep(step)) return performStep(at, client, step);
  const { balancers, certificates, view, mark, contentOf } = at;
  const opts = { within: callLimit };
  const onRules = (
    { balancer, listener }: { readonly balancer: string; readonly listener: string },
    next: (rules: ApplicationListener['rules']) => ApplicationListener['rules'],
  ): void =>
    view.changed(
      balancer,
      on(listener, (one) => ({ ...one, rules: next(one.rules) })),
    );
  switch (step.do) {
    case 'certify': {
      const content = contentOf(step.digest);
      if (content === undefined) return undefined;
      return taken(await certificates.keep({ ...content, mark, owner: client.owner }, opts), (made) =>
        view.hasCertificate(made),
      );
    }
    case 'route':
      return taken(await balancers.route(step.balancer, step.listener, step.wish, opts), (made) =>
        onRules(step, (rules) => [made, ...rules.filter(({ id }) => id !== made.id)]),
      );
    case 'reroute':
      return taken(await balancers.reroute(step.balancer, step.listener, step.rule, step.wish, opts), () =>
        onRules(step, (rules) => rules.map((one) => (one.id === step.rule ? { ...one, ...step.wish } : one))),
      );
    case 'unroute':
      return taken(await balancers.unroute(step.balancer, step.listener, step.rule, opts), () =>
        onRules(step, (rules) => rules.filter(({ id }) => id !== step.rule)),
      );
  }
}

export function explainApplicationStep(step: AlbStep): string {
  if (!isOwnStep(step)) return explainStep(step);
  switch (step.do) {
    case 'certify':
      return 'giving a certificate to the cloud';
    case 'route':
      return `making a rule of listener ${step.listener} of ${step.balancer}`;
    case 'reroute':
      return `changing rule ${step.rule} of listener ${step.listener} of ${step.balancer}`;
    case 'unroute':
      return `removing rule ${step.rule} of listener ${step.listener} of ${step.balancer}`;
  }
}
