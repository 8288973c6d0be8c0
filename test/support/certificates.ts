import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certified {
  readonly certificate: string;
  readonly key: string;
}

/** Makes an authority and what it signs, all as files in `folder`, good for two days. Needs `openssl` 3. */
export async function authorityIn(folder: string): Promise<{
  readonly certificate: string;
  /** @unit subject: `/O=group/CN=name`; san: `IP:127.0.0.1` */
  sign(name: string, subject: string, san?: string): Promise<Certified>;
}> {
  const path = (file: string): string => join(folder, file);
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  await run('openssl', [
    'req',
    '-x509',
    ...newKey,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.crt'),
    '-subj',
    '/CN=ca',
  ]);

  return {
    certificate: await readFile(path('ca.crt'), 'utf8'),
    async sign(name, subject, san) {
      const [key, request, certificate] = [path(`${name}.key`), path(`${name}.csr`), path(`${name}.crt`)] as const;
      const names = san === undefined ? [] : ['-addext', `subjectAltName=${san}`];
      await run('openssl', ['req', ...newKey, '-keyout', key, '-out', request, '-subj', subject, ...names]);
      // Not from openssl's file of serials, which two at once would spoil.
      const serial = `0x${randomBytes(16).toString('hex')}`;
      const by = ['-CA', path('ca.crt'), '-CAkey', path('ca.key'), '-set_serial', serial, '-copy_extensions', 'copy'];
      await run('openssl', ['x509', '-req', '-in', request, '-out', certificate, '-days', '2', ...by]);
      return { certificate: await readFile(certificate, 'utf8'), key: await readFile(key, 'utf8') };
    },
  };
}
