import type { IncomingMessage } from 'node:http';
import type { Transform } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { Asked } from './http-listener.ts';

/** @source UCloud ALB manual: some kinds of files, which are not named */
const kinds = /^(text\/|application\/(json|javascript|xml|xhtml\+xml))/;

/** What makes an answer smaller that is worth it, where the client reads that; each part comes as soon as it did before. */
export function compressing({ method, headers }: Asked, said: IncomingMessage): Transform | undefined {
  const isRead = /\bgzip\b/.test(headers['accept-encoding']?.toString() ?? '');
  const hasBody = method !== 'HEAD' && said.statusCode !== 204 && said.statusCode !== 304;
  const isPlain = said.headers['content-encoding'] === undefined && kinds.test(said.headers['content-type'] ?? '');
  return isRead && hasBody && isPlain ? createGzip({ flush: constants.Z_SYNC_FLUSH }) : undefined;
}
