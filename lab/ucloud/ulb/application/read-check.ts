import * as z from 'zod';
import { flag, text } from '../../gateway/declare.ts';
import { notValid } from '../../gateway/refusal.ts';
import { between, port } from '../number.ts';
import type { ApplicationCheckRecord } from './state.ts';

const count = between(1, 10, 'a number');

/** @source ucloud-sdk-python3 0.11.150 services/ulb; ranges of the numbers: nlb-api, none are published for these */
export const applicationCheck = z.strictObject({
  Enabled: flag.refine((on) => on, 'checks can not be switched off').optional(),
  Type: z.enum(['Port', 'HTTP'], 'write Port or HTTP; GRPC is not simulated').optional(),
  Domain: text.optional(),
  Path: z
    .string()
    .regex(/^\/[!-~]{0,226}$/, 'a path of at most 227 characters, such as /healthz')
    .optional(),
  Method: z.enum(['GET', 'HEAD']).optional(),
  ResponseCode: z
    .string()
    .regex(/^[1-5]xx(,[1-5]xx)*$/, 'write kinds of status codes, such as 2xx,3xx')
    .optional(),
  Port: port.optional(),
  Interval: between(2, 60, 'seconds').optional(),
  TimeOut: between(1, 59, 'seconds').optional(),
  UpCounts: count.optional(),
  DownCounts: count.optional(),
});

/** What is left out stays as it was. @fails Refusal 230 */
export function readCheck(
  args: z.output<typeof applicationCheck> = {},
  before: ApplicationCheckRecord,
): ApplicationCheckRecord {
  const wanted = {
    type: args.Type ?? before.type,
    port: args.Port ?? before.port,
    domain: args.Domain ?? before.domain,
    path: args.Path ?? before.path,
    method: args.Method ?? before.method,
    codes: args.ResponseCode ?? before.codes,
    interval: args.Interval ?? before.interval,
    timeout: args.TimeOut ?? before.timeout,
    minSuccess: args.UpCounts ?? before.minSuccess,
    maxFail: args.DownCounts ?? before.maxFail,
  };
  if (wanted.timeout >= wanted.interval)
    throw notValid('HealthCheckConfig.TimeOut', `${wanted.timeout} s is not below the interval, ${wanted.interval} s`);
  return wanted;
}
