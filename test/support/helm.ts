import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { KubeObject } from '#kube/kube.ts';
import { command } from '#lab/toolchain/command.ts';
import { buildFamily, helm, versions } from '#lab/toolchain/families.ts';

const modules = join(import.meta.dirname, '../../lab/toolchain/modules');

/**
 * What a chart gives for a release in a namespace of the same name, as our Kubernetes would be given it. Only charts that lie in the Go module of
 * their project can be had here.
 * @unit chart: its folder in the module, which `modules/charts/go.mod` requires; values: a file
 */
export async function renderChart(
  release: string,
  { module, chart }: { readonly module: string; readonly chart: string },
  values: string,
): Promise<readonly KubeObject[]> {
  const program = join(await buildFamily(helm, console.log), 'helm');
  const told = await command('go', ['mod', 'download', '-json', module], { cwd: join(modules, 'charts') });
  const { Dir: folder } = JSON.parse(told) as { readonly Dir: string };
  const at = ['--namespace', release, '--kube-version', versions.kubernetes, '--values', values];
  const text = await command(program, ['template', release, join(folder, chart), ...at]);
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as KubeObject | null) ?? []);
}
