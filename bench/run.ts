import { parseArgs } from 'node:util';
import { benchKube } from './kube.ts';
import { benchMachines } from './machines.ts';
import { benchServices } from './services.ts';
import { benchStorage } from './storage.ts';

/**
 * `npm run bench kube [PODS]`: holds its quality gate first and then tells its figures beside those of a named peer.
 * `npm run bench services -- [--services N] [--changes N] [--rate N]`: the same for load balancers of Services, beside the limit of
 * the cloud's API as well.
 * `npm run bench machines -- [--machines N] [--minutes N]`: how long machines take to join and leave, and a site to come back, beside what they may take.
 * `npm run bench storage -- [--volumes N] [--peer-volumes N]`: the same for volumes of the cloud's disks.
 */
const usage =
  'write "kube [PODS]" or "services [--services N] [--changes N] [--rate CALLS_A_SECOND]" or "machines [--machines N] [--minutes N]" or "storage [--volumes N] [--peer-volumes N]", with whole numbers';

const [asked = '', ...rest] = process.argv.slice(2);
if (asked === 'kube' && rest.length <= 1) await benchKube(rest[0] === undefined ? undefined : numberOf(rest[0]));
else if (asked === 'services') {
  const { services, changes, rate } = flagsOf(rest, { services: 500, changes: 1000, rate: 20 });
  await benchServices({ services, changes, rate });
} else if (asked === 'machines') {
  await benchMachines(flagsOf(rest, { machines: 10, minutes: 10 }));
} else if (asked === 'storage') {
  const flags = flagsOf(rest, { volumes: 1000, 'peer-volumes': 200 });
  await benchStorage({ volumes: flags.volumes, peerVolumes: flags['peer-volumes'] });
} else refuse(`there is no bench "${[asked, ...rest].join(' ')}"`);

/** Numbers by their flags. */
function flagsOf<const F extends string>(
  args: readonly string[],
  usual: Readonly<Record<F, number>>,
): Record<F, number> {
  try {
    const names = Object.keys(usual) as F[];
    const options = Object.fromEntries(
      names.map((name) => [name, { type: 'string' as const, default: `${usual[name]}` }]),
    );
    const { values } = parseArgs({ args: [...args], options });
    return Object.fromEntries(names.map((name) => [name, numberOf(`${values[name]}`)])) as Record<F, number>;
  } catch (e) {
    return refuse((e as Error).message);
  }
}

function numberOf(text: string): number {
  return /^[1-9]\d{0,5}$/.test(text) ? Number(text) : refuse(`"${text}" is not a whole number from 1 to 999999`);
}

function refuse(why: string): never {
  console.error(`${why}; ${usage}`);
  process.exit(2);
}
