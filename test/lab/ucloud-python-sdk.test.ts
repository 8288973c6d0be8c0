import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, test } from 'vitest';
import { account, startTestCloud } from '#lab/ucloud/test-cloud.ts';

const run = promisify(execFile);
const sdkVersion = '0.11.150';
const walk = join(import.meta.dirname, 'ucloud_walk.py');

/** Every step that the walk must print, in order: a step that is skipped is a failure. */
const steps = [
  'regions are listed with their zones',
  'the project is listed',
  'the VPC is described, an unknown one is an empty set',
  'the subnet is described with the addresses that are left',
  'a VPC and a subnet are made, one that overlaps is refused',
  'an empty subnet and an empty VPC are deleted, a VPC with a subnet is not',
  'the image is listed and can take user data',
  'stock is asked for before a burst',
  'a machine is created and comes to run',
  'three machines are created by one call, and paged',
  'an unknown machine is an empty set',
  'tag and name are changed',
  'a secondary address is allocated and listed',
  'four secondary addresses are allocated by one call',
  'a block of addresses is allocated, and one that is taken fails alone',
  'the second source lists the same addresses',
  'a secondary address moves to another machine',
  'a secondary address is deleted, and a second time it is gone',
  'a machine is found by its label, and no longer when that is taken off',
  'a firewall is made, granted to a machine, listed, and not deleted while it is used',
  'a network load balancer is made with two addresses, and is listed a little later',
  'a listener has machines and addresses as targets, which are healthy after some checks',
  'targets and listener are changed, and targets are removed, at most forty by one call',
  'an EIP is bound to the balancer, unbound and released',
  'listener and balancer are deleted',
  'an application load balancer is made, and is listed a little later',
  'a listener has one certificate from the beginning, others are bound and unbound, and none is deleted in use',
  'listeners are made and changed, and their targets are healthy after some checks',
  'a rule is made, changed and deleted, and the default one stays',
  'the balancer is deleted, and its EIP stays',
  'a classic load balancer forwards packets to a machine on the same port, and is deleted',
  'a disk is made, listed under the names of both protocols, and is Available a little later',
  'it is attached to one machine, grows there, and is detached',
  'a disk has three snapshots, and is set back to one',
  'disks are made of a snapshot and of a disk, and all are deleted',
  'a disk is made and attached by one call, and detached and deleted by another',
  'a file system is made, extended and listed',
  'it has a mount point in a subnet, and is removed after that',
  'a route table is made with a rule of its own beside those of the system',
  'a subnet follows another route table, and a table is copied',
  'a route table is deleted once no subnet follows it',
  'a security group is made, and its rules are made, changed and deleted',
  'a machine goes over to security groups, has two of them, and keeps one unless by force',
  'a machine goes back to its firewall and over again, and a group tells its machines',
  'a machine is created in a security group, and groups are deleted once nothing is bound to them',
  'a network interface is made with an address of its own',
  'it is attached to a machine that was made for it, and to no other',
  'it takes secondary addresses, as many as its quota tells',
  'it is deleted after it was detached, and its addresses with it',
  'an image is made of a stopped machine, and of no other',
  'a machine is created with it and outlives it',
  'temporary keys are given, and are good with their token only',
  'a running machine is neither terminated nor started',
  'a machine is stopped and started',
  'a machine is rebooted',
  'machines are powered off and terminated, and their addresses are gone with them',
  'a terminated machine does not exist',
  'a full subnet gives what it has, then refuses',
  'wrong keys are refused',
  'unknown actions, parameters, projects and zones are refused',
];

let python: string;
beforeAll(async () => {
  python = await pythonWithSdk();
});

test('the official Python SDK walks through the life of machines and addresses', async () => {
  const cloud = await startTestCloud({ speed: 0.005 });
  try {
    const { publicKey, privateKey, region, zone, project } = account;
    const { stdout } = await run(
      python,
      [walk, cloud.url, publicKey, privateKey, region, zone, project.id, 'uvnet-lab', 'subnet-lab', 'subnet-small'],
      { timeout: 200_000 },
    );
    const lines = stdout.trim().split('\n');
    assert.deepEqual(
      lines.map((line) => JSON.parse(line) as unknown),
      [...steps.map((step) => ({ step })), { passed: steps.length }],
    );
    assert.deepEqual(
      cloud.log.filter((entry) => entry.kind === 'world' && entry.error !== undefined),
      [],
    );
  } finally {
    await cloud.close();
  }
}, 220_000);

/** The interpreter of a virtual environment that holds the SDK; made once, and begun anew unless it says that it is complete. */
async function pythonWithSdk(): Promise<string> {
  const home = join(homedir(), '.cache', 'isthmus', `ucloud-python-sdk-${sdkVersion}`);
  const interpreter = join(home, 'bin', 'python');
  if (existsSync(join(home, 'complete'))) return interpreter;
  rmSync(home, { recursive: true, force: true });
  mkdirSync(join(home, '..'), { recursive: true });
  await run('python3', ['-m', 'venv', home], { timeout: 300_000 });
  await run(interpreter, ['-m', 'pip', 'install', '--quiet', `ucloud-sdk-python3==${sdkVersion}`], {
    timeout: 300_000,
  });
  mkdirSync(join(home, 'complete'));
  return interpreter;
}
