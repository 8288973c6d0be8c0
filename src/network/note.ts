/** Where a loop tells what it did and why: facts first, then a short phrase that is the same each time, so that it can be counted. */
export type Note = (facts: object, doing: string) => void;
