import { benchKube } from './kube.ts';

/**
 * `npm run bench kube [PODS]`: each bench holds its quality gate first and then tells its figures beside those of a named peer.
 */
const benches: Readonly<Record<string, (size: number | undefined) => Promise<void>>> = { kube: benchKube };

const [asked = '', size] = process.argv.slice(2);
const bench = benches[asked];
if (bench === undefined || (size !== undefined && !/^[1-9]\d{0,5}$/.test(size))) {
  const names = Object.keys(benches).join(', ');
  console.error(
    `there is no bench "${[asked, size].join(' ').trim()}"; there are: ${names}, each with a whole number after it or none`,
  );
  process.exit(2);
}
await bench(size === undefined ? undefined : Number(size));
