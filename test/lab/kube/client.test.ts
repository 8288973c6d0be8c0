import { expect, test } from 'vitest';
import type { KubeAccess } from '#kube/access.ts';
import { connect } from '#kube/client.ts';
import { KubeError } from '#kube/kube.ts';
import { type ConfigMapObject, configMaps, namespaces, nodes } from '#kube/resources.ts';
import { seconds, sleep } from '#unit/clock.ts';
import { apiServerForTests } from '../../support/api-server-for-tests.ts';
import { startProxy } from '../../support/proxy.ts';

const api = apiServerForTests();

const inDefault = (name: string, data: Record<string, string> = {}): ConfigMapObject => ({
  metadata: { name, namespace: 'default' },
  data,
});

/** The refusal of a call that must be refused. */
async function refusal(call: Promise<unknown>): Promise<KubeError> {
  const outcome = await call.catch((e: unknown) => e);
  expect(outcome).toBeInstanceOf(KubeError);
  return outcome as KubeError;
}

test('what is created can be got and listed, with its version and kind', async () => {
  const made = await api.kube.create(configMaps, inDefault('made', { k: 'v' }));
  expect(await api.kube.get(configMaps, made.metadata)).toEqual(made);
  const listed = await api.kube.list(configMaps, { namespace: 'default', fieldSelector: 'metadata.name=made' });
  expect(listed).toEqual([made]);
  expect(listed[0]).toMatchObject({ apiVersion: 'v1', kind: 'ConfigMap', data: { k: 'v' } });
});

test('what is not there is undefined, and making a name twice is refused', async () => {
  expect(await api.kube.get(configMaps, { namespace: 'default', name: 'nobody' })).toBeUndefined();
  await api.kube.create(configMaps, inDefault('twice'));
  expect(await refusal(api.kube.create(configMaps, inDefault('twice')))).toMatchObject({
    status: 409,
    reason: 'AlreadyExists',
  });
});

test('replacing an object that has moved on is refused', async () => {
  const first = await api.kube.create(configMaps, inDefault('moving', { n: '1' }));
  await api.kube.replace(configMaps, { ...first, data: { n: '2' } });
  const late = await refusal(api.kube.replace(configMaps, { ...first, data: { n: '3' } }));
  expect(late).toMatchObject({ status: 409, reason: 'Conflict' });
  expect((await api.kube.get(configMaps, first.metadata))?.data).toEqual({ n: '2' });
});

test('an apply leaves the fields of others alone and tells who holds a contested one', async () => {
  await api.kube.apply(configMaps, inDefault('shared', { ours: '1' }), { manager: 'isthmus-one' });
  await api.kube.apply(configMaps, inDefault('shared', { theirs: '1' }), { manager: 'isthmus-two' });
  expect((await api.kube.get(configMaps, inDefault('shared').metadata))?.data).toEqual({ ours: '1', theirs: '1' });

  const contested = inDefault('shared', { theirs: '1', ours: '2' });
  const conflict = await refusal(api.kube.apply(configMaps, contested, { manager: 'isthmus-two' }));
  expect(conflict.status).toBe(409);
  expect(conflict.conflicts).toEqual([{ field: '.data.ours', message: 'conflict with "isthmus-one"' }]);

  const forced = await api.kube.apply(configMaps, contested, { manager: 'isthmus-two', force: true });
  expect(forced.data).toEqual({ ours: '2', theirs: '1' });
});

test('a merge changes the fields it names and removes those it names null', async () => {
  const made = await api.kube.create(configMaps, inDefault('merged', { keep: '1', change: '1', drop: '1' }));
  const merged = await api.kube.merge(configMaps, made.metadata, { data: { change: '2', drop: null } });
  expect(merged.data).toEqual({ keep: '1', change: '2' });
});

test('a status is written apart from the rest', async () => {
  const made = await api.kube.create(nodes, { metadata: { name: 'web-1' }, spec: {} });
  const status = { addresses: [{ type: 'InternalIP', address: '10.9.0.12' }] };
  await api.kube.merge(nodes, made.metadata, { spec: { unschedulable: true }, status }, { subresource: 'status' });
  const seen = await api.kube.get(nodes, made.metadata);
  expect(seen?.status?.addresses).toEqual(status.addresses);
  expect(seen?.spec?.unschedulable).toBeUndefined();
});

test('a deletion by uid removes that very object only, and one already gone is success', async () => {
  const made = await api.kube.create(configMaps, inDefault('doomed'));
  const wrong = await refusal(
    api.kube.delete(configMaps, made.metadata, { uid: '00000000-0000-0000-0000-000000000000' }),
  );
  expect(wrong).toMatchObject({ status: 409, reason: 'Conflict' });
  expect(await api.kube.get(configMaps, made.metadata)).toBeDefined();
  await api.kube.delete(configMaps, made.metadata, { uid: made.metadata.uid as string });
  expect(await api.kube.get(configMaps, made.metadata)).toBeUndefined();
  await api.kube.delete(configMaps, made.metadata, { uid: made.metadata.uid as string });
});

test('a list of more than two pages has every object once', async () => {
  await api.kube.create(namespaces, { metadata: { name: 'many' } });
  const names = Array.from({ length: 1203 }, (_, n) => `cm-${String(n).padStart(4, '0')}`);
  for (let at = 0; at < names.length; at += 100)
    await Promise.all(
      names
        .slice(at, at + 100)
        .map((name, n) =>
          api.kube.create(configMaps, { metadata: { name, namespace: 'many', labels: { odd: String(n % 2 === 1) } } }),
        ),
    );
  const listed = await api.kube.list(configMaps, { namespace: 'many' });
  expect(listed.map(({ metadata }) => metadata.name)).toEqual(names);
  expect(await api.kube.list(configMaps, { namespace: 'many', labelSelector: 'odd=true' })).toHaveLength(601);
});

test('a refusal of the server keeps its reason', async () => {
  const badName = await refusal(api.kube.create(configMaps, inDefault('No Name')));
  expect(badName).toMatchObject({ status: 422, reason: 'Invalid' });
  expect(badName.message).toContain('creating configmaps default/No Name: ');
});

test('a token is asked for at each request, and a wrong one is not in the error', async () => {
  const { clientCertificate: _, ...anonymous } = api.server.access;
  let token = 'an-old-token';
  const access: KubeAccess = { ...anonymous, token: () => token };
  const other = connect(access);
  const denied = await refusal(other.list(nodes));
  expect(denied).toMatchObject({ status: 401, reason: 'Unauthorized' });
  expect(`${denied.stack} ${JSON.stringify(denied)} ${String(denied.cause)}`).not.toContain(token);
  token = api.server.token;
  expect(await other.list(nodes)).toBeDefined();
  await other.close();
});

test('a server with another authority is not trusted', async () => {
  const { ca: _, ...access } = api.server.access;
  const wary = connect(access);
  expect(await refusal(wary.list(nodes))).toMatchObject({ status: 0, reason: 'Unreachable' });
  await wary.close();
});

test('a get that meets a dead server waits for its return, a write does not', async () => {
  const patient = connect(api.server.access, { within: seconds(60) });
  await patient.read('/readyz');
  await api.server.kill();
  const getting = patient.get(configMaps, inDefault('made').metadata);
  expect(await refusal(patient.create(configMaps, inDefault('never')))).toMatchObject({
    status: 0,
    reason: 'Unreachable',
  });
  await sleep(seconds(1));
  await api.server.restart();
  expect((await getting)?.data).toEqual({ k: 'v' });
  await patient.close();
});

test('a get over a connection that swallows everything is answered over a new one within its deadline', async () => {
  const wire = await startProxy(api.server.port);
  const other = connect({ ...api.server.access, server: `https://127.0.0.1:${wire.port}` }, { within: seconds(6) });
  await other.read('/readyz');
  wire.blackHole();
  expect((await other.get(configMaps, inDefault('made').metadata))?.data).toEqual({ k: 'v' });
  await other.close();
  await wire.close();
});

test('a frozen server costs no more than the deadline', async () => {
  const hasty = connect(api.server.access, { within: seconds(2) });
  await hasty.read('/readyz');
  api.server.freeze();
  const start = performance.now();
  const late = await refusal(hasty.list(nodes));
  const took = performance.now() - start;
  api.server.thaw();
  expect(late.status).toBe(0);
  expect(took).toBeLessThan(3000);
  expect(await hasty.list(nodes)).toHaveLength(1);
  await hasty.close();
});
