import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import {
  type BundleFolder,
  checkBundle,
  filesOf,
  formatBundleLines,
  readBundle,
} from '#cluster/bundle/bundle-folder.ts';
import { exportBundle, importBundle } from '#cluster/bundle/carry-bundle.ts';
import { createBundle } from '#cluster/bundle/create-bundle.ts';
import { openHttp, proxiesOf } from '#cluster/bundle/http.ts';
import { officialReleases } from '#cluster/bundle/plan-release.ts';
import { formatJson } from './json.ts';
import { outputOption } from './options.ts';
import { lineReporter } from './reporter.ts';
import type { CliTools } from './tools.ts';

export function bundleCommand(tools: CliTools) {
  const bundle = new Command('bundle')
    .summary('the files that machines install from')
    .description(
      'A bundle is a folder with everything that a machine needs to become a node. Serve it with any web server that both sides reach.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus bundle create --out /srv/bundle\n  isthmus bundle digest /srv/bundle',
    );
  for (const make of [createCommand, checkCommand, digestCommand, exportCommand, importCommand])
    bundle.addCommand(make(tools) as never);
  return bundle;
}

function createCommand(tools: CliTools) {
  return new Command('create')
    .summary('make one from official releases')
    .description(
      "Fetches Kubernetes' release files and container images, checks each against its digest, and makes a bundle of them. What was fetched by a run that was cut short is kept in FOLDER.part, and the same command goes on from there. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are heeded.",
    )
    .requiredOption('--out <folder>', 'where the bundle is made; must not exist yet')
    .addOption(
      new Option('--from <source>', 'what it is made from').choices(['releases'] as const).default('releases' as const),
    )
    .option('--kubernetes <version>', 'version of Kubernetes', version, officialReleases.kubernetes)
    .option('--cni-plugins <version>', 'version of the CNI plugins', version, officialReleases.cniPlugins)
    .option('--kubernetes-base <url>', 'server of Kubernetes releases', url, officialReleases.kubernetesBase)
    .option('--cni-base <url>', 'server of CNI plugin releases', url, officialReleases.cniBase)
    .option(
      '--registry <url>',
      "pull Kubernetes' images from this mirror instead of the registries of their names",
      url,
    )
    .option('--with-image <name>', 'put a further image in; can be repeated', collect, [] as readonly string[])
    .option(
      '--image <name>',
      'pull the image of Isthmus itself by this name; a checkout builds it when this is not given',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus bundle create --out /srv/bundle\n  isthmus bundle create --out /srv/bundle --kubernetes-base https://mirror.example.com/k8s --registry https://mirror.example.com/registry.k8s.io',
    )
    .action(async (asked) => {
      const { say } = lineReporter(tools.err, { verbose: true, signal: tools.signal });
      const http = openHttp(proxiesOf(tools.env));
      try {
        const wish = { ...officialReleases, ...asked, registry: asked.registry, moreImages: asked.withImage };
        const own = await tools.own(asked.image, say);
        await createBundle(asked.out, wish, own, { http, say, signal: tools.signal });
      } finally {
        await http.close();
      }
      tools.out(linesFor(await readBundle(asked.out)));
    });
}

function checkCommand(tools: CliTools) {
  return new Command('check')
    .summary('read every byte and compare')
    .description('Reads every file of a bundle and says all that are missing or have another digest than they should.')
    .argument('<folder>', 'the bundle')
    .addHelpText('after', '\nExample:\n  isthmus bundle check /srv/bundle')
    .action(async (folder) => {
      const { bundle } = await checkBundle(folder);
      tools.out(`${filesOf(bundle).length} files are whole: ${explainVersions(bundle)}\n`);
    });
}

function digestCommand(tools: CliTools) {
  return new Command('digest')
    .summary('the lines for cluster.yaml')
    .description('Prints what cluster.yaml must say so that machines install from this bundle and from no other.')
    .argument('<folder>', 'the bundle')
    .option('--url <url>', 'where it is served', url, 'https://files.example.com/bundle')
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExample:\n  isthmus bundle digest /srv/bundle --url http://192.168.50.2/bundle >> cluster.yaml',
    )
    .action(async (folder, { url: served, output }) => {
      const { bundle, digest } = await readBundle(folder);
      const facts = { url: served, digest, versions: bundle.versions };
      tools.out(output === 'json' ? formatJson(facts) : formatBundleLines(digest, served));
    });
}

function exportCommand(tools: CliTools) {
  return new Command('export')
    .summary('make one file of it, to carry it to where no network goes')
    .description(
      'Checks a bundle and writes it as one file. The digest that is printed tells on the other side that it is the same.',
    )
    .argument('<folder>', 'the bundle')
    .argument('<file>', 'the file to write; must not exist yet')
    .addHelpText('after', '\nExample:\n  isthmus bundle export /srv/bundle /media/usb/bundle.tar')
    .action(async (folder, file) => {
      const { digest } = await exportBundle(folder, file, tools.signal);
      tools.out(`${digest}\n`);
    });
}

function importCommand(tools: CliTools) {
  return new Command('import')
    .summary('make a folder of such a file')
    .description(
      'Unpacks what isthmus bundle export wrote and checks every byte. A file that was cut off or changed leaves nothing behind.',
    )
    .argument('<file>', 'the file')
    .argument('<folder>', 'the bundle to make; must not exist yet')
    .option('--digest <digest>', 'refuse any other bundle than this one', digestText)
    .addHelpText('after', '\nExample:\n  isthmus bundle import /media/usb/bundle.tar /srv/bundle --digest sha256:…')
    .action(async (file, folder, { digest }) => {
      tools.out(linesFor(await importBundle({ file, folder, digest }, tools.signal)));
    });
}

function linesFor({ bundle, digest }: BundleFolder): string {
  return `${explainVersions(bundle)}. Serve the folder, and write in cluster.yaml:\n${formatBundleLines(digest, 'https://files.example.com/bundle')}`;
}

function explainVersions({ versions: { kubernetes, isthmus } }: BundleFolder['bundle']): string {
  return `Kubernetes ${kubernetes}, Isthmus ${isthmus}`;
}

function version(text: string): string {
  if (/^\d+\.\d+\.\d+$/.test(text)) return text;
  throw new InvalidArgumentError('write a full version such as 1.36.3');
}

function url(text: string): string {
  if (URL.canParse(text) && /^https?:/.test(text)) return text;
  throw new InvalidArgumentError('write a URL such as https://mirror.example.com/k8s');
}

function digestText(text: string): string {
  if (/^sha256:[0-9a-f]{64}$/.test(text)) return text;
  throw new InvalidArgumentError('write it as isthmus bundle export printed it: sha256: and 64 digits');
}

function collect(name: string, before: readonly string[]): readonly string[] {
  return [...before, name];
}
