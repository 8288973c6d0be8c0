import { Command, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import { type AddonName, addonNames } from '#cluster/bundle/bundle.ts';
import {
  type BundleFolder,
  checkBundle,
  filesOf,
  formatBundleLines,
  readBundle,
} from '#cluster/bundle/bundle-folder.ts';
import { exportBundle, importBundle } from '#cluster/bundle/carry-bundle.ts';
import { createBundle, refuseExisting } from '#cluster/bundle/create-bundle.ts';
import { openHttp, proxiesOf } from '#cluster/bundle/http.ts';
import { officialReleases } from '#cluster/bundle/plan-release.ts';
import { formatJson } from './json.ts';
import { outputOption } from './options.ts';
import { lineReporter } from './reporter.ts';
import type { CliTools } from './tools.ts';

export function bundleCommand(tools: CliTools) {
  const bundle = new Command('bundle')
    .summary('create, verify and carry the files that machines install from')
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
    .summary('create a bundle from official releases')
    .description(
      "Fetches Kubernetes' release files and container images, verifies their digests, and makes a bundle of them. Files that an interrupted run has fetched are kept in FOLDER.part, and the same command continues from there. HTTP_PROXY, HTTPS_PROXY and NO_PROXY are honoured.",
    )
    .requiredOption('--out <folder>', 'folder to create; must not exist yet')
    .addOption(
      new Option('--from <source>', 'source of the files').choices(['releases'] as const).default('releases' as const),
    )
    .option('--kubernetes <version>', 'Kubernetes version', version, officialReleases.kubernetes)
    .option('--cni-plugins <version>', 'version of the CNI plugins', version, officialReleases.cniPlugins)
    .option('--kubernetes-base <url>', 'server of Kubernetes releases', url, officialReleases.kubernetesBase)
    .option('--cni-base <url>', 'server of CNI plugin releases', url, officialReleases.cniBase)
    .option(
      '--registry <url>',
      "pull Kubernetes' images from this mirror instead of the registries of their names",
      url,
    )
    .option('--with-image <name>', 'add another image; can be repeated', collect, [] as readonly string[])
    .addOption(
      new Option('--addon <name>', 'add the images of this addon; can be repeated')
        .default([] as readonly AddonName[])
        .argParser(addonsGiven),
    )
    .option('--image <name>', 'pull the image of Isthmus from this registry; without it, a checkout builds the image')
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus bundle create --out /srv/bundle\n  isthmus bundle create --out /srv/bundle --kubernetes-base https://mirror.example.com/k8s --registry https://mirror.example.com/registry.k8s.io',
    )
    .action(async (asked) => {
      // Our own parts take longer to build than to find out that there is no place for them.
      refuseExisting(asked.out);
      const { say } = lineReporter(tools.err, { verbose: true, signal: tools.signal });
      const http = openHttp(proxiesOf(tools.env));
      try {
        const wish = {
          ...officialReleases,
          ...asked,
          registry: asked.registry,
          moreImages: [...officialReleases.moreImages, ...asked.withImage],
          addons: asked.addon,
        };
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
    .summary('verify the digests of all files')
    .description('Reads every file of a bundle and reports those that are missing or have a wrong digest.')
    .argument('<folder>', 'the bundle')
    .addHelpText('after', '\nExample:\n  isthmus bundle check /srv/bundle')
    .action(async (folder) => {
      const { bundle } = await checkBundle(folder);
      tools.out(`${filesOf(bundle).length} files verified: ${explainVersions(bundle)}\n`);
    });
}

function digestCommand(tools: CliTools) {
  return new Command('digest')
    .summary('print the lines for cluster.yaml')
    .description('Prints the lines of cluster.yaml that make machines install from this bundle and no other.')
    .argument('<folder>', 'the bundle')
    .option('--url <url>', 'URL at which the folder is served', url, 'https://files.example.com/bundle')
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
    .summary('pack a bundle into one file, for an air-gapped site')
    .description(
      'Verifies a bundle and writes it as one file. Compare the printed digest with the one that isthmus bundle import prints.',
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
    .summary('unpack such a file')
    .description(
      'Unpacks a file that isthmus bundle export has written, and verifies every byte. A truncated or changed file leaves nothing behind.',
    )
    .argument('<file>', 'the file')
    .argument('<folder>', 'folder to create; must not exist yet')
    .option('--digest <digest>', 'accept only the bundle with this digest', digestText)
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

function addonsGiven(name: string, before: readonly AddonName[]): readonly AddonName[] {
  const known = addonNames.find((one) => one === name);
  if (known === undefined) throw new InvalidArgumentError(`Allowed choices are ${addonNames.join(', ')}.`);
  return [...before, known];
}

function collect(name: string, before: readonly string[]): readonly string[] {
  return [...before, name];
}
