import * as z from 'zod';
import { faultWish, parsed } from './gateway/fault-wish.ts';
import { type LimitChange, limitChange } from './limits.ts';

export type ScenarioText = z.input<typeof scenario>;

/** A scenario file: limits that are set and faults that are planted together. */
const scenario = z
  .strictObject({ limits: limitChange.default({}), faults: z.array(faultWish).default([]) })
  .refine(({ limits, faults }) => faults.length + Object.keys(limits).length > 0, 'write faults, limits or both');

/** @fails Error with every fault of the text, each with its place */
export function parseScenario(text: unknown): z.output<typeof scenario> {
  return parsed(scenario, text);
}

/** @fails Error with every fault of the text, each with its place */
export function parseLimitChange(text: unknown): LimitChange {
  return parsed(limitChange, text);
}
