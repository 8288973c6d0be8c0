/**
 * So many at once of each kind; the others of that kind wait in line. Whoever has waited hears of it, because what was decided before may not be
 * wanted any more.
 */
export class Lanes {
  readonly #atOnce: number;
  readonly #running = new Map<string, number>();
  readonly #waiting = new Map<string, (() => void)[]>();

  constructor(atOnce: number) {
    this.#atOnce = atOnce;
  }

  async through<T>(kind: string, perform: (hasWaited: boolean) => Promise<T>): Promise<T> {
    const running = this.#running.get(kind) ?? 0;
    const isFull = running >= this.#atOnce;
    if (isFull) await new Promise<void>((resolve) => this.#line(kind).push(resolve));
    else this.#running.set(kind, running + 1);
    try {
      return await perform(isFull);
    } finally {
      // The place goes to the next in line, so that nobody who comes now is before it.
      const next = this.#line(kind).shift();
      if (next === undefined) this.#running.set(kind, (this.#running.get(kind) ?? 0) - 1);
      else next();
    }
  }

  #line(kind: string): (() => void)[] {
    const line = this.#waiting.get(kind) ?? [];
    this.#waiting.set(kind, line);
    return line;
  }
}
