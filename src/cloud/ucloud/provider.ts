import * as z from 'zod';
import type { CloudKeys, CloudPlace, CloudProvider } from '../provider.ts';
import { connectUcloud } from './ucloud.ts';

const text = (example: string, pattern: RegExp, must: string) =>
  z
    .string({ error: `must be ${must}` })
    .regex(pattern, { error: `must be ${must}` })
    .meta({ example });

/** UCloud as cluster.yaml names it. */
export const ucloud: CloudProvider = {
  name: 'ucloud',
  examples: { region: 'cn-bj2', zone: 'cn-bj2-04', vpc: 'uvnet-1', subnet: 'subnet-1' },
  settings: {
    project: text('org-abc', /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, "the project's id"),
    endpoint: text(
      'https://api.ucloud.cn',
      /^https?:\/\/[A-Za-z0-9.-]+(:\d{1,5})?$/,
      "the base URL of the cloud's API, without a path and a / behind it",
    ).default('https://api.ucloud.cn'),
  },
  fixed: { project: 'the machines of the cluster are there' },
  credentials: { publicKey: 'UCLOUD_PUBLIC_KEY', privateKey: 'UCLOUD_PRIVATE_KEY' },
  open(place, keys, options) {
    const { region, zone, own } = place;
    return connectUcloud({
      region,
      zone,
      endpoint: needed(own, 'endpoint'),
      project: needed(own, 'project'),
      get publicKey() {
        return needed(keys, 'publicKey');
      },
      get privateKey() {
        return needed(keys, 'privateKey');
      },
      note: options?.note,
    });
  },
};

function needed(record: CloudPlace['own'] | CloudKeys, name: string): string {
  const value = record[name];
  if (value === undefined || value === '') throw new RangeError(`cloud ucloud: ${name} is missing`);
  return value;
}
