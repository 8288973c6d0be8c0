import { expect, test } from 'vitest';
import { command } from './command.ts';

test.each([
  ['buildah', 'buildah is not installed: on Debian, apt-get install -y buildah'],
  ['gcc', 'gcc is not installed: on Debian, apt-get install -y gcc libc6-dev'],
  ['losetup', "losetup can't be started: spawn losetup ENOENT"],
])('a computer without %s: %s', async (program, says) => {
  await expect(command(program, [], { env: { PATH: '/nowhere' } })).rejects.toThrow(says);
});
