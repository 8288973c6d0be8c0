import type { IncomingHttpHeaders } from 'node:http';
import type {
  WorldApplicationListener,
  WorldApplicationTarget,
  WorldRule,
} from '../../ucloud/ulb/application/world.ts';
import { chooseRule } from './choose-rule.ts';
import { answerCors } from './cors.ts';

export interface AskedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What becomes of a request. @shape headers: beside those of whatever answers */
export type AnswerPlan =
  | {
      readonly do: 'answer';
      readonly code: number;
      readonly content: string;
      readonly headers: Readonly<Record<string, string>>;
    }
  | {
      readonly do: 'forward';
      readonly rule: WorldRule;
      /** One at the least. */
      readonly targets: readonly WorldApplicationTarget[];
      readonly headers: Readonly<Record<string, string>>;
    };

export function planAnswer(listener: WorldApplicationListener, { method, url, headers }: AskedRequest): AnswerPlan {
  // HTTP/2 carries what HTTP/1.1 can't.
  if (/[^!-\u00ff]/.test(url)) return answer(400, 'a path with a blank or a control character');
  const host = hostOf(headers);
  const { redirectTo } = listener;
  if (redirectTo !== undefined) {
    const port = redirectTo === 443 ? '' : `:${redirectTo}`;
    return answer(301, '', { location: `https://${host.replace(/:\d+$/, '')}${port}${url}` });
  }
  const rule = chooseRule(listener.rules, { host, path: url.replace(/[?#].*/, '') });
  if (rule === undefined) return answer(404, 'no rule for this path');
  const cors = rule.headers.find((one) => one.type === 'Cors');
  const between = cors === undefined ? undefined : answerCors(cors, method, headers);
  if (between?.isPreflight) return answer(204, '', between.headers);
  const { last } = rule;
  if (last.type === 'FixedResponse') return answer(last.code, last.content, between?.headers);
  if (last.targets.length === 0) return answer(502, 'no healthy target', between?.headers);
  return { do: 'forward', rule, targets: last.targets, headers: between?.headers ?? {} };
}

export function hostOf(headers: IncomingHttpHeaders): string {
  return headers.host ?? headers[':authority']?.toString() ?? '';
}

function answer(code: number, content: string, headers: Readonly<Record<string, string>> = {}): AnswerPlan {
  return {
    do: 'answer',
    code,
    content,
    headers: content === '' ? headers : { 'content-type': 'text/plain', ...headers },
  };
}
