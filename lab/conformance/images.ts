import { chmod, copyFile, mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { artifact, type Note } from '../toolchain/artifact.ts';
import { command } from '../toolchain/command.ts';
import { baseTree, buildImage } from '../toolchain/container-images.ts';

/** Programs of this computer that go into the images. */
export interface ImagePrograms {
  readonly agnhost: string;
  readonly nonewprivs: string;
  readonly sampleApiserver: string;
  /** Folder of upstream's source, of the same version as the tests. */
  readonly source: string;
}

const extraPackages = [
  'bash-static',
  'bind9-dnsutils',
  // Specs read and write past the page cache: busybox's dd has no `nocache`.
  'coreutils',
  'dash',
  'iproute2',
  'libc-bin',
  'netcat-openbsd',
  'nginx-light',
];

/**
 * Archives of the images that the permitted specs run, each under the exact name that upstream's tests ask for. The programs
 * inside are Debian's and ours: what counts for a spec is what they do, not whose build they are.
 * @source `e2e.test --list-images` of 1.36.3, narrowed to those that conformance specs start
 */
export async function ensureImages(programs: ImagePrograms, note: Note): Promise<readonly string[]> {
  const base = await baseTree(note, extraPackages);
  const files = await imageFiles(programs, base, note);
  const tests = 'registry.k8s.io/e2e-test-images';
  const onBase = 'ARG BASE\nFROM ${BASE}\nCOPY common /\n';
  const recipes = [
    // The older one is what specs start before they change an image.
    ...['2.63.0', '2.55'].map((version) => ({
      name: `${tests}/agnhost:${version}`,
      dockerfile: `${onBase}COPY own /\nLABEL version=${version}\nENTRYPOINT ["/agnhost"]\nCMD ["pause"]\n`,
      context: { common: join(files, 'common'), own: join(files, 'agnhost') },
      base,
    })),
    {
      name: `${tests}/nautilus:1.8`,
      dockerfile: `${onBase}COPY own /\nCOPY nautilus /\nENTRYPOINT ["/agnhost"]\nCMD ["test-webserver"]\n`,
      context: { common: join(files, 'common'), own: join(files, 'agnhost'), nautilus: join(files, 'nautilus') },
      base,
    },
    {
      name: `${tests}/glibc-dns-testing:2.0.0`,
      dockerfile: onBase,
      context: { common: join(files, 'common') },
      base,
    },
    {
      name: `${tests}/nginx:1.15-4`,
      dockerfile: `${onBase}COPY own /\nCMD ["nginx", "-c", "/etc/nginx/test.conf"]\n`,
      context: { common: join(files, 'common'), own: join(files, 'nginx') },
      base,
    },
    {
      name: `${tests}/busybox:1.37.0-1`,
      dockerfile: 'FROM scratch\nCOPY own /\nCMD ["sh"]\n',
      context: { own: join(files, 'busybox') },
    },
    {
      name: `${tests}/nonewprivs:1.4`,
      dockerfile: 'FROM scratch\nCOPY own /\nCMD ["nnp"]\n',
      context: { own: join(files, 'nonewprivs') },
    },
    {
      name: `${tests}/sample-apiserver:1.29.2`,
      dockerfile: 'FROM scratch\nCOPY sample-apiserver /sample-apiserver\nENTRYPOINT ["/sample-apiserver"]\n',
      context: { 'sample-apiserver': programs.sampleApiserver },
    },
  ];
  const archives: string[] = [];
  for (const recipe of recipes)
    archives.push(join(await buildImage({ ...recipe, inputs: [files] }, note), 'image.tar'));
  return archives;
}

const shell = join(import.meta.dirname, 'sh.c');

/** One tree of files an image. Made beforehand, so that no Dockerfile has to run anything. */
async function imageFiles(programs: ImagePrograms, base: string, note: Note): Promise<string> {
  return artifact(
    {
      kind: 'conformance-files',
      inputs: [
        base,
        programs.agnhost,
        programs.nonewprivs,
        programs.sampleApiserver,
        await readFile(shell),
        JSON.stringify(words),
      ],
      make: async (folder) => {
        await makeCommon(join(folder, 'common'));
        await makeAgnhost(join(folder, 'agnhost'), programs);
        await makeBusybox(join(folder, 'busybox'), base);
        await makeNonewprivs(join(folder, 'nonewprivs'), programs.nonewprivs);
        await makeNautilus(join(folder, 'nautilus'), programs.source);
        await put(join(folder, 'nginx/etc/nginx/test.conf'), nginxConfiguration);
      },
    },
    note,
  );
}

/** A spec looks for the user and the supplemental group by these names. @source test/images/agnhost/Dockerfile */
const accounts: Readonly<Record<string, string>> = {
  'etc/passwd': [
    'root:x:0:0:root:/root:/bin/sh',
    'nobody:x:65534:65534:nobody:/:/bin/false',
    'user-defined-in-image:x:1000:1000::/:/bin/sh',
    '',
  ].join('\n'),
  'etc/group': [
    'root:x:0:',
    'nogroup:x:65534:',
    'user-defined-in-image:x:1000:',
    'group-defined-in-image:x:50000:user-defined-in-image',
    '',
  ].join('\n'),
  // Without it glibc asks DNS before /etc/hosts.
  'etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
};

/** Of busybox: a spec reads group 1000 as `ls -l` shows it, and upstream's image has no name for that. */
const fewAccounts: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n',
  'etc/group': 'root:x:0:\nnogroup:x:65534:\n',
};

/** Debian's busybox shell takes its own applets whatever the PATH says, and its nc has too few options for the specs. */
const links: Readonly<Record<string, string>> = { 'bin/sh': 'dash', 'usr/local/bin/nc': '/bin/nc.openbsd' };

const nginxConfiguration = `daemon off;
error_log /dev/stderr;
pid /tmp/nginx.pid;
user root root;
events {}
http {
  access_log /dev/stdout;
  server { listen 80; location / { return 200 "nginx\\n"; } }
}
`;

const words = { accounts, fewAccounts, links, nginxConfiguration };

async function makeCommon(tree: string): Promise<void> {
  for (const [path, text] of Object.entries(accounts)) await put(join(tree, path), text);
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await symlink(target, join(tree, path));
  }
}

async function makeAgnhost(tree: string, { agnhost, source }: ImagePrograms): Promise<void> {
  await mkdir(join(tree, 'uploads'), { recursive: true });
  await copyFile(agnhost, join(tree, 'agnhost'));
  await symlink('agnhost', join(tree, 'agnhost-2'));
  for (const file of ['localhost.crt', 'localhost.key'])
    await put(join(tree, file), await readFile(join(source, 'test/images/agnhost/porter', file), 'utf8'));
}

async function makeBusybox(tree: string, base: string): Promise<void> {
  for (const folder of ['tmp', 'root', 'home', 'var', 'etc']) await mkdir(join(tree, folder), { recursive: true });
  await chmod(join(tree, 'tmp'), 0o1777);
  for (const [path, text] of Object.entries(fewAccounts)) await put(join(tree, path), text);
  await mkdir(join(tree, 'bin'));
  const wanted = ['./*bin/busybox', './*bin/bash-static'];
  const programs = await command('tar', ['-tf', join(base, 'base.tar'), '--wildcards', ...wanted]);
  const paths = programs.trim().split('\n');
  await command('tar', ['-C', tree, '-xf', join(base, 'base.tar'), '--transform', 's,.*/,bin/,', ...paths]);
  await command('chroot', [tree, '/bin/busybox', '--install', '-s', '/bin']);
  await rm(join(tree, 'bin/sh'));
  await command('gcc', ['-Os', '-s', '-static', '-o', join(tree, 'bin/sh'), shell]);
}

/** The bit that gives its owner's rights is what the spec sees denied. */
async function makeNonewprivs(tree: string, program: string): Promise<void> {
  const to = join(tree, 'usr/local/bin/nnp');
  await mkdir(dirname(to), { recursive: true });
  await copyFile(program, to);
  await chmod(to, 0o4755);
}

/** What its web server serves. @source test/images/nautilus/Dockerfile */
async function makeNautilus(tree: string, source: string): Promise<void> {
  await mkdir(tree);
  for (const file of ['nautilus.jpg', 'data.json'])
    await copyFile(join(source, 'test/images/nautilus/html', file), join(tree, file));
}

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
