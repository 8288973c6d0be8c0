import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** A certificate for these names, signed by itself, and its key. Needs `openssl` 3. @shape PEM, both */
export async function makeCertificate(...names: readonly string[]): Promise<{ chain: string; key: string }> {
  const kind = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -keyout - -out -'.split(' ');
  const alternatives = `subjectAltName=${names.map((name) => `DNS:${name}`).join(',')}`;
  const { stdout } = await run('openssl', [...kind, '-subj', `/O=lab/CN=${names[0]}`, '-addext', alternatives]);
  const [key = '', chain = ''] = stdout.match(/-----BEGIN [\s\S]+?-----END [^\n]+\n/g) ?? [];
  return { chain, key };
}
