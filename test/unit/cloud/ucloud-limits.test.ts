import { expect, test } from 'vitest';
import { account, makeMachine, openTestCloud } from '#lab/ucloud/test-cloud.ts';
import { ms, seconds } from '#unit/clock.ts';
import { makeHome } from '../../../src/cloud/ucloud/home.ts';
import { connectUcloud } from '../../../src/cloud/ucloud/ucloud.ts';

test('a rate of a few calls a second slows the provider down and stops nothing', async () => {
  const lab = await openTestCloud();
  const machine = await makeMachine(lab);
  lab.cloud.limit({ calls: 4 });
  const { region, zone, publicKey, privateKey, project } = account;
  const at = { endpoint: lab.url, region, zone, project: project.id, publicKey, privateKey };
  const { addresses } = connectUcloud({ ...at, poll: ms(20) });
  const place = { zone, vpc: 'uvnet-lab', subnet: 'subnet-lab', object: machine.id, mac: machine.mac.toLowerCase() };
  const home = makeHome(place);
  // Eight at once are twice what a second has room for.
  const within = seconds(30);
  const answers = await Promise.all(Array.from({ length: 8 }, () => addresses.extend(home, 1, { within })));
  expect(answers.map((answer) => answer.ok)).toEqual(Array(8).fill(true));
  expect(lab.cloud.objects().addresses.length).toBe(8);
  expect(lab.cloud.calls().filter(({ code }) => code === 153).length).toBeGreaterThan(0);
});
