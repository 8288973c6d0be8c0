import { constants } from 'node:fs';
import { open, readdir, stat, writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { type Ms, ms, seconds, sleep, uptime } from '#unit/clock.ts';
import { formatDevice } from './block-devices.ts';
import { isAbsent, readIfThere } from './files.ts';
import { HostError } from './host.ts';
import { type Inside, isThere } from './inside.ts';

/** Of commands that only ask the kernel. */
const asking: Ms = seconds(30);

/**
 * The loop devices that this very file is attached to. They are told by the file's number, never by its path: the same path is another file in
 * another mount namespace, and a file keeps its device when it is renamed.
 * @shape names such as `loop3`, sorted
 * @fails the file system's error when there is no such file; HostError
 */
export async function loopsOf(inside: Inside, file: string): Promise<readonly string[]> {
  const { dev, ino } = await stat(inside.at(file));
  const names = (await readdir(inside.at('/sys/block'))).filter((name) => /^loop\d+$/.test(name)).sort();
  const found: string[] = [];
  for (const name of names) {
    const path = (await readIfThere(inside.at(`/sys/block/${name}/loop/backing_file`)))?.trim();
    // Only to ask about few, because asking opens a device; below decides the number. Where it is mounted a path may begin otherwise.
    if (path === undefined || lastParts(path.replace(/ \(deleted\)$/, '')) !== lastParts(file)) continue;
    await ensureDeviceFile(inside, name);
    const seen = await backingOf(inside, name);
    if (seen?.ino === ino && seen.device === formatDevice(dev)) found.push(name);
  }
  return found;
}

function lastParts(path: string): string {
  return path.split('/').slice(-2).join('/');
}

/** @shape undefined when the device has no file, perhaps since a moment */
async function backingOf(inside: Inside, name: string): Promise<{ ino: number; device: string } | undefined> {
  const argv = ['losetup', '--list', '--json', '--output', 'BACK-INO,BACK-MAJ:MIN', `/dev/${name}`];
  const { code, stdout } = await inside.run(argv, { within: asking });
  if (code !== 0 || stdout.trim() === '') return undefined;
  const { loopdevices } = JSON.parse(stdout) as { loopdevices: readonly Record<string, string | number | null>[] };
  const [seen] = loopdevices;
  if (seen === undefined) return undefined;
  return { ino: Number(seen['back-ino']), device: String(seen['back-maj:min']).trim() };
}

/** A container, or a machine whose /dev nobody fills, lacks the files of loop devices that the kernel made later. */
async function ensureDeviceFile(inside: Inside, name: string): Promise<void> {
  if (await isThere(inside, `/dev/${name}`)) return;
  const argv = ['mknod', '--mode=0660', `/dev/${name}`, 'b', '7', name.slice('loop'.length)];
  const { code, stderr } = await inside.run(argv, { within: asking });
  // Made by another call in between.
  if (code !== 0 && !(await isThere(inside, `/dev/${name}`)))
    throw new HostError('this machine', argv.join(' '), stderr.trim());
}

/**
 * Attaches a file to a loop device: past the page cache where its file system can do that, so that nothing is cached twice and a flush reaches
 * the disk; and without discards, which would make holes in the file and let others take its room.
 * @shape its name, and whether it is past the page cache
 * @unit sector: bytes
 * @fails HostError
 */
export async function attachLoop(
  inside: Inside,
  file: string,
  sector: number,
): Promise<{ readonly name: string; readonly isDirect: boolean }> {
  const name = await attachSomewhere(inside, file, sector);
  await forbidDiscards(inside, name);
  const dio = await readIfThere(inside.at(`/sys/block/${name}/loop/dio`));
  return { name, isDirect: dio?.trim() === '1' };
}

async function attachSomewhere(inside: Inside, file: string, sector: number): Promise<string> {
  let direct = ['--direct-io=on'];
  let fault = '';
  // Others look for a free device at the same time, and whoever is slower has to look again.
  for (let turn = 0; turn < 10; turn++) {
    const path = (await must(inside, ['losetup', '--find'])).trim();
    await ensureDeviceFile(inside, basename(path));
    const argv = ['losetup', ...direct, '--sector-size', `${sector}`, path, file];
    const { code, stderr } = await inside.run(argv, { within: asking });
    if (code === 0) return basename(path);
    fault = stderr.trim();
    if (/direct i/i.test(fault)) direct = [];
    else if (!/busy/i.test(fault)) break;
  }
  throw new HostError('this machine', `attaching ${file} to a loop device`, fault);
}

async function forbidDiscards(inside: Inside, name: string): Promise<void> {
  try {
    await writeFile(inside.at(`/sys/block/${name}/queue/discard_max_bytes`), '0');
  } catch (e) {
    // Kernels without the setting have loop devices that can't discard.
    if (!isAbsent(e)) throw e;
  }
}

/** Lets a loop device see that its file has grown. @fails HostError */
export async function growLoop(inside: Inside, name: string): Promise<void> {
  await must(inside, ['losetup', '--set-capacity', `/dev/${name}`]);
}

/**
 * Takes a file from its loop device, and returns when it is off.
 * @fails Error with the code EBUSY while it is mounted, or opened by one that wants it for itself; HostError
 */
export async function detachLoop(inside: Inside, name: string, file: string): Promise<void> {
  // A device in use would be detached later, by whoever closes it last: under the next one who attached it, perhaps.
  const alone = await open(inside.at(`/dev/${name}`), constants.O_RDONLY | constants.O_EXCL);
  await alone.close();
  await must(inside, ['losetup', '--detach', `/dev/${name}`]);
  // Whoever only looked at the device in that moment, as losetup itself and udev do, keeps it for a moment more.
  for (const end = uptime() + settling; (await loopsOf(inside, file)).includes(name); await sleep(ms(50)))
    if (uptime() > end)
      throw Object.assign(new Error(`/dev/${name} is still open, and is detached when it is closed`), {
        code: 'EBUSY',
      });
}
const settling = seconds(5);

async function must(inside: Inside, argv: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await inside.run(argv, { within: asking });
  if (code === 0) return stdout;
  throw new HostError('this machine', argv.join(' '), stderr.trim() || `exit code ${code}`);
}
