import { parseArgs } from 'node:util';
import { benchKube } from './kube.ts';
import { benchServices } from './services.ts';

/**
 * `npm run bench kube [PODS]`: holds its quality gate first and then tells its figures beside those of a named peer.
 * `npm run bench services -- [--services N] [--changes N] [--rate N]`: the same for load balancers of Services, beside the limit of
 * the cloud's API as well.
 */
const usage =
  'write "kube [PODS]" or "services [--services N] [--changes N] [--rate CALLS_A_SECOND]", with whole numbers';

const [asked = '', ...rest] = process.argv.slice(2);
if (asked === 'kube' && rest.length <= 1) await benchKube(rest[0] === undefined ? undefined : numberOf(rest[0]));
else if (asked === 'services') {
  const { services, changes, rate } = flagsOf(rest);
  await benchServices({ services: numberOf(services), changes: numberOf(changes), rate: numberOf(rate) });
} else refuse(`there is no bench "${[asked, ...rest].join(' ')}"`);

function flagsOf(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        services: { type: 'string', default: '500' },
        changes: { type: 'string', default: '1000' },
        rate: { type: 'string', default: '20' },
      },
    }).values;
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
