import * as z from 'zod';
import { flag, integer, text } from '../../gateway/declare.ts';
import { missing, notValid } from '../../gateway/refusal.ts';
import { targetOf } from '../lookup.ts';
import { between, weight } from '../number.ts';
import type { ApplicationListenerRecord, FinalAction, HeaderAction, RuleAction } from './state.ts';

const printable = /^[ -#%-~]*$/;
const says = 'printable ASCII without $';
const methods = ['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'OPTIONS', 'PATCH'] as const;
const headerName = z
  .string()
  .regex(/^(\*|[A-Za-z0-9]([A-Za-z0-9_-]{0,30}[A-Za-z0-9])?)$/, 'write names of headers, or *');
const headerNames = z.array(headerName).max(20, 'at most 20 headers').default([]);
const origin = z
  .string()
  .regex(
    /^(\*|https?:\/\/(\*\.)?[A-Za-z0-9.-]+(:\d{1,5})?)$/,
    'write *, or origins such as https://*.example.com:8443',
  );

/** @source UCloud API reference, ulb-api, CreateRule */
export const wishedAction = z.strictObject({
  Type: z.enum(['Forward', 'InsertHeader', 'RemoveHeader', 'Cors', 'FixedResponse']),
  Order: between(1, 1000, 'a number').optional(),
  ForwardConfig: z
    .strictObject({ Targets: z.array(z.strictObject({ Id: text, Weight: weight.default(1) })).default([]) })
    .optional(),
  FixedResponseConfig: z
    .strictObject({
      HttpCode: integer.refine((code) => /^[245]\d\d$/.test(String(code)), 'write 2xx, 4xx or 5xx'),
      Content: z.string().max(1024, 'at most 1 KB').regex(printable, says).default(''),
    })
    .optional(),
  InsertHeaderConfig: z
    .strictObject({
      Key: z.string().regex(/^[A-Za-z0-9_-]{1,40}$/, 'write 1 to 40 letters, digits, _ and -'),
      ValueType: z.enum(['UserDefined', 'ReferenceHeader', 'SystemDefined']),
      Value: z.string().min(1).max(128, 'at most 128 characters').regex(printable, says),
    })
    .optional(),
  RemoveHeaderConfig: z
    .strictObject({ Key: z.enum(['X-Real-IP', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-SrcPort']) })
    .optional(),
  CorsConfig: z
    .strictObject({
      AllowOrigin: z.array(origin).min(1).max(5, 'at most 5 origins'),
      AllowHeaders: headerNames,
      ExposeHeaders: headerNames,
      AllowMethods: z
        .array(z.enum(methods))
        .min(1)
        .default([...methods]),
      AllowCredentials: z.enum(['on', 'off']).default('on'),
      MaxAge: between(-1, 172_800, 'seconds').default(-1),
    })
    .optional(),
  // Neither changes what a client or a target can see, here.
  ProxyBufferingConfig: z.strictObject({ CloseProxyBuffering: flag.optional() }).optional(),
  BackendConnectionConfig: z.strictObject({ EnablePersistentConnection: flag.optional() }).optional(),
});
type Wish = z.output<typeof wishedAction>;
type HeaderWish = Wish & { readonly Type: HeaderAction['type'] };

/**
 * In the order in which they are done: those on headers by their numbers, then the one that forwards or answers, which needs none. Of
 * what does not belong to its type nothing is read.
 * @fails Refusal 220, 230, 4093
 */
export function readActions(wanted: readonly Wish[], listener: ApplicationListenerRecord): readonly RuleAction[] {
  const last = wanted.filter(isFinal);
  const [only] = last;
  if (only === undefined || last.length > 1)
    throw notValid('RuleActions', 'write one action of type Forward or FixedResponse, and others on headers');
  const headers = wanted
    .filter(isOfHeaders)
    .map(readHeaderAction)
    .sort((a, b) => a.order - b.order);
  checkTwins(
    'Order',
    headers.map(({ order }) => order),
  );
  checkTwins(
    'InsertHeaderConfig.Key',
    headers.flatMap((one) => (one.type === 'InsertHeader' ? [one.key.toLowerCase()] : [])),
  );
  return [...headers, readFinalAction(only, listener)];
}

function isFinal({ Type }: Wish): boolean {
  return Type === 'Forward' || Type === 'FixedResponse';
}

function isOfHeaders(wanted: Wish): wanted is HeaderWish {
  return !isFinal(wanted);
}

function readFinalAction(wanted: Wish, listener: ApplicationListenerRecord): FinalAction {
  if (wanted.Type === 'FixedResponse') {
    const { HttpCode, Content } = given(wanted.FixedResponseConfig, 'FixedResponseConfig.HttpCode');
    return { type: 'FixedResponse', code: HttpCode, content: Content };
  }
  const targets = (wanted.ForwardConfig?.Targets ?? []).map(({ Id, Weight }) => ({
    id: targetOf(Id, listener).id,
    weight: Weight,
  }));
  checkTwins(
    'ForwardConfig.Targets',
    targets.map(({ id }) => id),
  );
  return { type: 'Forward', targets };
}

function readHeaderAction(wanted: HeaderWish): HeaderAction {
  const order = given(wanted.Order, 'Order');
  switch (wanted.Type) {
    case 'InsertHeader': {
      const { Key, ValueType, Value } = given(wanted.InsertHeaderConfig, 'InsertHeaderConfig.Key');
      checkInserted(Key, ValueType, Value);
      return { type: 'InsertHeader', order, key: Key, kind: ValueType, value: Value };
    }
    case 'RemoveHeader':
      return { type: 'RemoveHeader', order, key: given(wanted.RemoveHeaderConfig, 'RemoveHeaderConfig.Key').Key };
    case 'Cors': {
      const cors = given(wanted.CorsConfig, 'CorsConfig.AllowOrigin');
      return {
        type: 'Cors',
        order,
        origins: cors.AllowOrigin,
        methods: cors.AllowMethods,
        headers: cors.AllowHeaders,
        exposed: cors.ExposeHeaders,
        credentials: cors.AllowCredentials === 'on',
        maxAge: cors.MaxAge,
      };
    }
  }
}

/** @source UCloud API reference, ulb-api, InsertHeaderConfig */
const notInserted =
  'x-real-ip x-forwarded-for x-forwarded-proto x-forwarded-srcport ucloud-alb-trace connection upgrade content-length transfer-encoding keep-alive te host cookie remoteip authority'.split(
    ' ',
  );
const ofSystem = ['ClientSrcPort', 'ClientSrcIp', 'Protocol', 'RuleID', 'ALBID', 'ALBPort'];

function checkInserted(key: string, kind: string, value: string): void {
  if (notInserted.includes(key.toLowerCase())) throw notValid('InsertHeaderConfig.Key', `${key} can not be inserted`);
  if (kind === 'SystemDefined' && !ofSystem.includes(value))
    throw notValid('InsertHeaderConfig.Value', `write one of ${ofSystem.join(', ')}`);
  if (kind === 'ReferenceHeader' && !/^[a-z0-9_-]+$/.test(value))
    throw notValid('InsertHeaderConfig.Value', 'write the name of a header in small letters');
}

function checkTwins(name: string, values: readonly (string | number)[]): void {
  const twin = values.find((value, at) => values.indexOf(value) !== at);
  if (twin !== undefined) throw notValid(`RuleActions.${name}`, `${twin} is given twice`);
}

function given<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw missing(`RuleActions.${name}`);
  return value;
}
