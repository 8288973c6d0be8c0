import * as z from 'zod';
import { type Action, actionsOf, integer, text } from '../gateway/declare.ts';
import type { Desk } from '../gateway/desk.ts';
import { notValid } from '../gateway/refusal.ts';
import type { GatewayState } from '../gateway/state.ts';
import { openSession } from './session.ts';

/** @unit seconds. The least is published, the rest is a choice of ours, see docs/explanation/simulated-cloud.md. */
const duration = { least: 900, most: 43_200, usual: 3600 } as const;

/** What the actions of this product get. */
export type StsCloud = Desk<GatewayState>;
const action = actionsOf<StsCloud>();

/**
 * Temporary credentials: a key pair that is good only together with its token, and only for a while.
 * @source UCloud API reference, sts AssumeRole; ucloud-sdk-python3 0.11.150 services/sts
 */
export const stsActions: Readonly<Record<string, Action<StsCloud>>> = {
  AssumeRole: action(
    {
      Region: text.optional(),
      ProjectId: text.optional(),
      RoleUrn: text,
      RoleSessionName: text.regex(/^[\w.-]{1,64}$/, 'write 1 to 64 letters, digits, dots, hyphens and underscores'),
      DurationSeconds: integer.pipe(z.number().min(duration.least).max(duration.most)).default(duration.usual),
      Policy: text.max(2048, 'at most 2048 characters').optional(),
    },
    (args, { state, now }) => {
      if (!/^ucs:iam::[^:]+:role\/.+$/.test(args.RoleUrn))
        throw notValid('RoleUrn', `"${args.RoleUrn}" names no role, write ucs:iam::COMPANY:role/NAME`);
      const session = openSession(args.DurationSeconds, state, now());
      return {
        Credentials: {
          AccessKeyId: session.publicKey,
          AccessKeySecret: session.privateKey,
          SecurityToken: session.token,
          Expiration: new Date(session.expiresAt * 1000).toISOString(),
        },
      };
    },
  ),
};
