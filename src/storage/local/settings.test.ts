import { expect, test } from 'vitest';
import { gibi } from '#unit/bytes.ts';
import { localSettings, localSettingsSchema } from './settings.ts';

test('machines that give something to volumes are in the settings, and read back in units', () => {
  const storage = { directories: ['/srv/volumes'], disks: ['/dev/disk/by-id/a'], keepFree: gibi(20) };
  const machines = [
    { name: 'base-1', address: '192.168.50.11', storage },
    { name: 'base-2', address: '192.168.50.12', storage: { ...storage, keepFree: undefined } },
    { name: 'base-3', address: '192.168.50.13', storage: undefined },
  ];
  const written = JSON.parse(JSON.stringify(localSettings({ machines }))) as unknown;
  expect(localSettingsSchema.parse(written)).toEqual({
    machines: { 'base-1': storage, 'base-2': { directories: storage.directories, disks: storage.disks } },
  });
});
