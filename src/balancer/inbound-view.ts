import { explainFailure } from '#cloud/failure.ts';
import type { Inbound } from '#cloud/inbound.ts';
import type { CloudNetwork } from '#cloud/network.ts';
import { type Ms, seconds, uptime } from '#unit/clock.ts';
import type { CloudSeen } from './plan-life.ts';

/** What security groups let in to machines, read once for all Services and again after a while. Its times are the process's own. */
export class InboundView {
  readonly #network: Pick<CloudNetwork, 'inbound'>;
  readonly #audit: Ms;
  readonly #note: (facts: object, doing: string) => void;
  #known: ReadonlyMap<string, Inbound> = new Map();
  #asked: ReadonlySet<string> = new Set();
  #readAt: number | undefined;
  #reading: Promise<void> | undefined;

  constructor(network: Pick<CloudNetwork, 'inbound'>, audit: Ms, note: (facts: object, doing: string) => void) {
    this.#network = network;
    this.#audit = audit;
    this.#note = note;
  }

  /** As `of`, and only once there is a balancer that sends to machines. */
  async behind(
    cloud: CloudSeen<unknown>,
    machines: readonly string[],
    all: readonly string[],
  ): Promise<ReadonlyMap<string, Inbound> | undefined> {
    if (cloud.state !== 'known' || cloud.balancer === undefined || machines.length === 0) return undefined;
    return this.of(machines, all);
  }

  /** What is not known is left out: a Service is served all the same. @unit all: every machine that may be asked for soon */
  async of(machines: readonly string[], all: readonly string[]): Promise<ReadonlyMap<string, Inbound>> {
    const isDue = this.#readAt === undefined || this.#readAt + this.#audit <= uptime();
    const wanted = [...new Set([...all, ...machines])];
    const due = isDue ? wanted : wanted.filter((machine) => !this.#asked.has(machine));
    if (due.length > 0) {
      this.#reading ??= this.#read(due, isDue).finally(() => {
        this.#reading = undefined;
      });
      await this.#reading;
    }
    return this.#known;
  }

  /** Somebody may be putting right what was told: the next answer is not older than a few seconds. */
  lookAgain(): void {
    if (this.#readAt !== undefined && this.#readAt + atMostEvery <= uptime()) this.#readAt = undefined;
  }

  /** @unit isAnew: nothing of what was known before is kept */
  async #read(machines: readonly string[], isAnew: boolean): Promise<void> {
    const began = uptime();
    const read = await this.#network.inbound(machines, { within: limit });
    if (isAnew) this.#readAt = began;
    this.#asked = new Set([...(isAnew ? [] : this.#asked), ...machines]);
    if (read.ok) this.#known = new Map([...(isAnew ? [] : this.#known), ...read.value]);
    else this.#note({ failure: explainFailure(read.failure) }, 'reading what security groups let in failed');
  }
}

const atMostEvery = seconds(10);
const limit = seconds(60);
