import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type * as z from 'zod';

/** Reads one file of the ConfigMap isthmus-system/isthmus. @fails Error that names the file and each fault in it */
export async function readSettings<T>(folder: string, file: string, schema: z.ZodType<T>): Promise<T> {
  const path = join(folder, file);
  const parsed = schema.safeParse(JSON.parse(await readFile(path, 'utf8')));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new Error(`reading ${path}, written by isthmus up: ${faults.join('; ')}`);
}
