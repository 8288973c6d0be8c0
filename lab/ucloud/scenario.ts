import * as z from 'zod';
import { type FaultWish, faultWish, parsed } from './gateway/fault-wish.ts';
import { type LimitChange, limitChange } from './limits.ts';
import { products } from './products.ts';

export type ScenarioText = z.input<typeof scenario>;

const actionNames = products.flatMap(({ actions }) => Object.keys(actions)).toSorted();

/** A fault of an action that this cloud has; on any other it would be met by nobody. */
const knownFault = faultWish.superRefine(({ action }, context) => {
  const isMeant = action.endsWith('*')
    ? (name: string): boolean => name.startsWith(action.slice(0, -1))
    : (name: string): boolean => name === action;
  if (actionNames.some(isMeant)) return;
  const message = `the simulated cloud has no action "${action}"; it has ${actionNames.join(', ')}`;
  context.addIssue({ code: 'custom', path: ['action'], message });
});

/** A scenario file: limits that are set and faults that are planted together. */
const scenario = z
  .strictObject({ limits: limitChange.default({}), faults: z.array(knownFault).default([]) })
  .refine(({ limits, faults }) => faults.length + Object.keys(limits).length > 0, 'write faults, limits or both');

/** One fault of such a file. @fails Error with everything that is wrong with it, each with its place */
export function parseKnownFault(text: unknown): FaultWish {
  return parsed(knownFault, text);
}

/** @fails Error with every fault of the text, each with its place */
export function parseScenario(text: unknown): z.output<typeof scenario> {
  return parsed(scenario, text);
}

/** @fails Error with every fault of the text, each with its place */
export function parseLimitChange(text: unknown): LimitChange {
  return parsed(limitChange, text);
}
