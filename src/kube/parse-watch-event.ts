import { KubeError, type KubeObject } from './kube.ts';

export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/**
 * One line of a watch.
 * @fails KubeError for the server's ERROR event, with its code as status, and for a line that is no event. The line itself is
 *        never told, because it may be a Secret
 */
export function parseWatchEvent<T extends KubeObject>(doing: string, line: string): WatchEvent<T> {
  const event = parseJson(line) as { readonly type?: unknown; readonly object?: unknown } | undefined | null;
  if (typeof event?.object === 'object' && event.object !== null) {
    if (event.type === 'ERROR') throw refusalOf(doing, event.object);
    if (isKnown(event.type)) return { type: event.type, object: event.object as T };
  }
  const message = `a line of ${line.length} characters is no watch event`;
  throw new KubeError(doing, { status: 0, reason: 'Unreadable', message });
}

function isKnown(type: unknown): type is WatchEvent<unknown>['type'] {
  return type === 'ADDED' || type === 'MODIFIED' || type === 'DELETED' || type === 'BOOKMARK';
}

function refusalOf(doing: string, status: { code?: number; reason?: string; message?: string }): KubeError {
  const { code = 0, reason = 'Unknown', message = 'the server gave no reason' } = status;
  return new KubeError(doing, { status: code, reason, message });
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    // The parser's own message quotes the line.
    return undefined;
  }
}
