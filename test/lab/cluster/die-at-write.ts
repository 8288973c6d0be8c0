import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';

/**
 * Loaded before `isthmus` by `node --import`: the process ends by SIGKILL when the API server has answered the first write whose path
 * ISTHMUS_TEST_OF fits and that ISTHMUS_TEST_PASS does not name. Its last line is that write. Between an answer and the next write nothing is
 * changed, so that these are all the moments there are.
 */
const of = new RegExp(process.env['ISTHMUS_TEST_OF'] ?? '');
const pass = new Set((process.env['ISTHMUS_TEST_PASS'] ?? '').split(','));

subscribe('undici:request:trailers', (answered) => {
  const { method, path } = (answered as { readonly request: { readonly method: string; readonly path: string } })
    .request;
  const [where = ''] = path.split('?');
  const write = `${method} ${where}`;
  if (method === 'GET' || !of.test(where) || pass.has(write)) return;
  writeSync(2, `${write}\n`);
  process.kill(process.pid, 'SIGKILL');
});
