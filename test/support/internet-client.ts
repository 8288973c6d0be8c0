import type { Kubectl } from '#lab/demo/proof.ts';
import { minutes, ms, seconds, waitFor } from '#unit/clock.ts';
import { isthmus } from './isthmus.ts';

/** One call from the lab's client on the internet. */
export function callFromInternet(lab: string, url: string): ReturnType<typeof isthmus> {
  const argv = ['lab', 'exec', '--name', lab, 'internet', '--', 'curl', '-s', '-m', '5', url];
  return isthmus(argv, { within: seconds(20) });
}

/** Calls until every pod of the Service `web` has answered. @shape the names of the nodes that they run on */
export async function answeredByEveryPod(lab: string, kubectl: Kubectl, ip: string): Promise<readonly string[]> {
  const { items } = JSON.parse(await kubectl(['get', 'pods', '-l', 'app=web', '-o', 'json'])) as {
    items: readonly { metadata: { name: string }; spec: { nodeName: string } }[];
  };
  const silent = new Set(items.map(({ metadata }) => metadata.name));
  await waitFor(
    'every pod to have answered the client',
    async () => {
      const { code, stdout } = await callFromInternet(lab, `http://${ip}/hostname`);
      silent.delete(stdout.trim());
      if (silent.size > 0) throw new Error(`curl ${code}; not answered yet: ${[...silent].join(' ')}`);
      return true;
    },
    { within: minutes(2), every: ms(100) },
  );
  return items.map(({ spec }) => spec.nodeName);
}
