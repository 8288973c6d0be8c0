import * as z from 'zod';
import { integer } from '../gateway/declare.ts';

/** A whole number in an inclusive range. @shape what: as in "a port from 1 to 65535" */
export function between(least: number, most: number, what: string) {
  const says = `${what} from ${least} to ${most}`;
  return integer.pipe(z.number().min(least, says).max(most, says));
}

export const port = between(1, 65_535, 'a port');
export const weight = between(1, 100, 'a weight');
