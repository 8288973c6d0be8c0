/** A broken promise of our own code. Thrown, never returned; only a loop catches it, reports it and goes on. */
export class Bug extends Error {
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(message: string, facts: Readonly<Record<string, unknown>> = {}) {
    super(`${message} ${JSON.stringify(facts)}`);
    this.name = 'Bug';
    this.facts = facts;
  }
}
