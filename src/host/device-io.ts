import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Bytes } from '#unit/bytes.ts';
import type { ReadAt } from './signatures.ts';

/**
 * Reads of a device for as long as `use` takes. The kernel gives no other program the device for itself meanwhile.
 * @fails Error: EBUSY when it is mounted or otherwise in use; a read that gives less than was asked fails
 */
export async function readingAlone<T>(path: string, use: (read: ReadAt) => Promise<T>): Promise<T> {
  const device = await open(path, constants.O_RDONLY | constants.O_EXCL);
  try {
    return await use((at, length) => readExactly(device, path, at, length));
  } finally {
    await device.close();
  }
}

/** As `readingAlone` for a device that is in use. */
export async function readBeside<T>(path: string, use: (read: ReadAt) => Promise<T>): Promise<T> {
  const device = await open(path, constants.O_RDONLY);
  try {
    return await use((at, length) => readExactly(device, path, at, length));
  } finally {
    await device.close();
  }
}

async function readExactly(device: FileHandle, path: string, at: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length);
  for (let done = 0; done < length; ) {
    const { bytesRead } = await device.read(bytes, done, length - done, at + done);
    if (bytesRead === 0) throw new Error(`${path}: ends at byte ${at + done}, ${length - done} bytes before its end`);
    done += bytesRead;
  }
  return bytes;
}

/**
 * Writes to a device that nobody uses and returns when a power cut would not take it away.
 * @fails Error: EBUSY when it is in use
 */
export async function writeAlone(path: string, at: Bytes, bytes: Buffer): Promise<void> {
  const device = await open(path, constants.O_RDWR | constants.O_EXCL | constants.O_SYNC);
  try {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await device.write(bytes, done, bytes.length - done, at + done);
      done += bytesWritten;
    }
    await device.sync();
  } finally {
    await device.close();
  }
}
