import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { command } from '#lab/toolchain/command.ts';

/**
 * Writes the messages and services of `src/rpc/gen` from the `.proto` files that their owners publish as Go modules. Needs Go and
 * npm: the two generators weigh 120 MB and are wanted once a year, so they are fetched here and are no dependencies of the project.
 * JavaScript with types beside it and not TypeScript, whose generated enums Node cannot strip.
 * @example npm run proto
 */
const gen = join(import.meta.dirname, '../src/rpc/gen');

/** In the versions that the toolchain builds: CSI as csi-sanity speaks it, and kubelet's of its Kubernetes. */
const protos: readonly {
  readonly family: string;
  readonly module: string;
  readonly file: string;
  readonly as: string;
}[] = [
  { family: 'csi', module: 'github.com/container-storage-interface/spec', file: 'csi.proto', as: 'csi.proto' },
  {
    family: 'kubernetes',
    module: 'k8s.io/kubelet',
    file: 'pkg/apis/pluginregistration/v1/api.proto',
    as: 'pluginregistration.proto',
  },
];
const generators = ['@bufbuild/buf@1.75.0', '@bufbuild/protoc-gen-es@2.17.0'];

const work = await mkdtemp(join(tmpdir(), 'isthmus-proto-'));
try {
  await mkdir(join(work, 'proto'));
  for (const { family, module, file, as } of protos) {
    const cwd = join(import.meta.dirname, '../lab/toolchain/modules', family);
    await command('go', ['mod', 'download', module], { cwd });
    const folder = await command('go', ['list', '-m', '-f', '{{.Dir}}', module], { cwd });
    await cp(join(folder.trim(), file), join(work, 'proto', as));
  }
  await writeFile(join(work, 'buf.yaml'), 'version: v2\nmodules: [{ path: proto }]\n');
  await writeFile(
    join(work, 'buf.gen.yaml'),
    `version: v2\nplugins: [{ local: protoc-gen-es, out: ${gen}, opt: [target=js+dts, import_extension=js] }]\n`,
  );
  const fetched = generators.flatMap((name) => ['--package', name]);
  await command('npm', ['exec', '--yes', '--ignore-scripts', ...fetched, '--', 'buf', 'generate'], { cwd: work });
} finally {
  await rm(work, { recursive: true });
}
