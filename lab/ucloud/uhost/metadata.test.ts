import assert from 'node:assert/strict';
import { get } from 'node:http';
import { afterAll, beforeAll, describe, test } from 'vitest';
import { parse } from 'yaml';
import { cidr } from '#unit/ip.ts';
import { closeServer, listen, makeMachine, startTestCloud, type TestCloud, until, urlOf } from '../test-cloud.ts';

const userData = '#cloud-config\nhostname: web-1 # ü\n';

/** A VPC inside the loopback range, so that a test can ask from a machine's own address. */
const loopback = {
  id: 'uvnet-lab',
  name: 'lab',
  network: cidr('127.9.0.0/16'),
  subnets: [{ id: 'subnet-lab', name: 'lab', cidr: cidr('127.9.0.0/24') }],
};

describe('metadata server', () => {
  let test1: TestCloud;
  let server: Awaited<ReturnType<typeof listen>>;
  let machine: Awaited<ReturnType<typeof makeMachine>>;

  beforeAll(async () => {
    test1 = await startTestCloud({ vpc: loopback });
    machine = await makeMachine(test1, {
      UserData: Buffer.from(userData).toString('base64'),
      LoginMode: 'Password',
      Password: Buffer.from('top "secret"').toString('base64'),
    });
    server = await listen(test1.cloud.metadata);
  });
  afterAll(async () => {
    await closeServer(server);
    await test1.close();
  });

  const ask = (path: string, from = machine.ip): Promise<{ status: number | undefined; body: string }> =>
    new Promise((resolve, reject) => {
      get(`${urlOf(server)}${path}`, { localAddress: from }, (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode, body }));
      }).on('error', reject);
    });

  test('gives a machine its own user data', async () => {
    assert.deepEqual(await ask('user-data'), { status: 200, body: userData });
  });

  test('answers in the plain form of cloud-init', async () => {
    assert.deepEqual(parse((await ask('meta-data')).body), {
      'instance-id': machine.id,
      'local-hostname': 'web-1',
    });
  });

  test('tells of a further interface when the guest has it, with a table and a rule of its own', async () => {
    const elastic = await makeMachine(test1, { 'Features.UNI': 'true' });
    const place = { VPCId: 'uvnet-lab', SubnetId: 'subnet-lab' };
    const { NetworkInterface } = await test1.call('CreateNetworkInterface', place);
    const nic = NetworkInterface as { InterfaceId: string; MacAddress: string; PrivateIpSet: readonly [string] };
    const told = async () => JSON.parse((await ask('meta-data/v1.json', elastic.ip)).body);
    await test1.call('AttachNetworkInterface', { InterfaceId: nic.InterfaceId, InstanceId: elastic.id });
    await until('it to be attached', () => test1.cloud.objects().interfaces[0]?.at === 'attached');
    const { ethernets } = (await told())['network-config'];
    assert.deepEqual(Object.keys(ethernets), ['eth0', 'eth1']);
    assert.deepEqual(ethernets.eth1, {
      match: { macaddress: nic.MacAddress.toLowerCase() },
      addresses: [`${nic.PrivateIpSet[0]}/24`],
      routes: [{ to: '0.0.0.0/0', via: '127.9.0.1', table: 1001 }],
      'routing-policy': [{ from: nic.PrivateIpSet[0], table: 1001 }],
      mtu: 1454,
      nameservers: { addresses: ['100.80.80.80'] },
    });
    const nics = (await told()).uhost['network-interfaces'] as readonly { id: string; default: boolean }[];
    assert.deepEqual(
      nics.map((one) => [one.id, one.default]),
      [
        [elastic.nic, true],
        [nic.InterfaceId, false],
      ],
    );
  });

  test('gives the password of the machine as vendor data', async () => {
    assert.deepEqual((parse((await ask('vendor-data')).body) as { chpasswd: unknown }).chpasswd, {
      expire: false,
      users: [{ name: 'root', password: 'top "secret"', type: 'text' }],
    });
  });

  test('gives the whole document and every value by its path', async () => {
    const document = JSON.parse((await ask('meta-data/v1.json')).body);
    assert.equal(document['instance-id'], machine.id);
    assert.equal(document.uhost['network-interfaces'][0].mac, machine.mac);
    assert.deepEqual(document['network-config'].ethernets.eth0.addresses, [`${machine.ip}/24`]);
    assert.equal((await ask('meta-data/latest/uhost/network-interfaces/0/ips/0/ip-address')).body, machine.ip);
    assert.equal((await ask('meta-data/v1/availability-zone')).body, 'cn-bj2-04');
    assert.match((await ask('meta-data/latest/')).body, /^instance-id$/m);
    assert.match((await ask('meta-data/latest')).body, /^uhost\/$/m);
  });

  test.each(['meta-data/latest/no-such', 'meta-data/latest/uhost/constructor', 'elsewhere'])(
    'knows nothing at %s',
    async (path) => {
      assert.equal((await ask(path)).status, 404);
    },
  );

  test('tells nothing to anybody who is not a machine', async () => {
    assert.equal((await ask('user-data', '127.9.0.77')).status, 404);
  });
});
