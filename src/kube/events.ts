import { createHash } from 'node:crypto';
import { now as clock, type Instant, type Ms, minutes, seconds, sleep } from '#unit/clock.ts';
import { type Kube, KubeError, type KubeObject, type Resource } from './kube.ts';
import { type Allowance, type EventSeen, planAllowance, planEvent } from './plan-event.ts';

/** Something that can happen to an object. Its name is the same in the Event, in the condition, in the log and as a label of metrics. */
export interface Reason {
  /** CamelCase, as in `kubectl get events`. */
  readonly reason: string;
  readonly type: 'Normal' | 'Warning';
  /** What was being done, or the condition that it is about: `PodNetwork`. */
  readonly action: string;
}

/** The object that an Event is about. */
export interface Regarding {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  /** Without it `kubectl describe` does not show the Event of an object that was made anew. */
  readonly uid?: string;
}

export interface Events {
  /** Tells it and returns at once, whatever the API server does. The same thing again counts up one series. */
  tell(regarding: Regarding, reason: Reason, note: string): void;
  /** Waits, at most `within`, until what was told has been written. */
  flush(within: Ms): Promise<void>;
}

export interface EventsOptions {
  /** Who tells: `isthmus.dev/controller`. */
  readonly controller: string;
  /** Which of several: the name of its pod or node. */
  readonly instance: string;
  readonly stop: AbortSignal;
  /** Hears of each Event that was lost. Must not throw. */
  readonly onLost: (why: string) => void;
  readonly now?: () => Instant;
}

/**
 * Writes Events through the API server's events.k8s.io/v1. Bounded in everything: what it remembers, what waits, and how many
 * Events one object gets; what is too much is dropped and counted.
 */
export function recordEvents(kube: Kube, options: EventsOptions): Events {
  return new EventRecorder(kube, options);
}

/** An Event about an object: `regarding` of a cluster-wide one has its Events in the namespace `default`. */
export interface EventObject extends KubeObject {
  readonly eventTime?: string;
  readonly reportingController?: string;
  readonly reportingInstance?: string;
  readonly action?: string;
  readonly reason?: string;
  readonly note?: string;
  readonly type?: string;
  readonly regarding?: Regarding;
  readonly series?: { readonly count: number; readonly lastObservedTime: string };
}

export const events: Resource<EventObject> = {
  group: 'events.k8s.io',
  version: 'v1',
  plural: 'events',
  kind: 'Event',
  namespaced: true,
};

interface Told extends EventSeen {
  /** `undefined` while it has not been written. */
  readonly at: { readonly name: string; readonly namespace: string };
}

type Write = { readonly key: string } & (
  | { readonly do: 'create'; readonly object: EventObject }
  | { readonly do: 'series'; readonly at: Told['at'] }
);

class EventRecorder implements Events {
  readonly #kube: Kube;
  readonly #options: EventsOptions;
  readonly #told = new Map<string, Told>();
  readonly #allowances = new Map<string, Allowance>();
  readonly #waiting: Write[] = [];
  #writing: Promise<void> | undefined;

  constructor(kube: Kube, options: EventsOptions) {
    this.#kube = kube.within(seconds(5));
    this.#options = options;
  }

  tell(regarding: Regarding, reason: Reason, note: string): void {
    if (this.#options.stop.aborted) return;
    const at = (this.#options.now ?? clock)();
    const text = shortened(note);
    const key = digest([regarding, reason.reason, text]);
    const seen = this.#told.get(key);
    const what = planEvent(seen, at);
    if (what === 'create' || seen === undefined) {
      if (!this.#allowed(regarding, at)) return this.#options.onLost(`too many Events about ${regarding.name}`);
      const object = this.#eventObject(regarding, reason, text, at);
      const { name, namespace = 'default' } = object.metadata;
      this.#remember(key, { count: 1, last: at, written: at, at: { name, namespace } });
      return this.#enqueue({ do: 'create', key, object });
    }
    const count = seen.count + 1;
    this.#remember(key, { ...seen, count, last: at, ...(what === 'series' && { written: at }) });
    if (what === 'series') this.#enqueue({ do: 'series', key, at: seen.at });
  }

  async flush(within: Ms): Promise<void> {
    const enough = new AbortController();
    const pause = sleep(within, enough.signal).catch(() => undefined);
    await Promise.race([this.#writing, pause]);
    enough.abort();
  }

  #allowed(regarding: Regarding, at: Instant): boolean {
    const key = digest([regarding]);
    const allowance = planAllowance(this.#allowances.get(key), at, { burst: 25, every: minutes(5) });
    if (allowance !== undefined) remember(this.#allowances, key, allowance);
    return allowance !== undefined;
  }

  #remember(key: string, told: Told): void {
    remember(this.#told, key, told);
  }

  #eventObject(regarding: Regarding, { reason, type, action }: Reason, note: string, at: Instant): EventObject {
    const { controller, instance } = this.#options;
    return {
      metadata: {
        // As client-go names them: the object, and what makes it one of many.
        name: `${regarding.name.slice(0, 200)}.${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`,
        namespace: regarding.namespace ?? 'default',
      },
      eventTime: microTime(at),
      reportingController: controller,
      reportingInstance: instance.slice(0, 128),
      action,
      reason,
      note,
      type,
      regarding,
    };
  }

  #enqueue(write: Write): void {
    if (this.#waiting.length >= mostWaiting) {
      this.#waiting.shift();
      this.#options.onLost('too many Events wait for the API server');
    }
    this.#waiting.push(write);
    this.#start();
  }

  #start(): void {
    this.#writing ??= this.#drain().finally(() => {
      this.#writing = undefined;
      // One that came after the last look and before this.
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #drain(): Promise<void> {
    for (let write = this.#waiting.shift(); write !== undefined; write = this.#waiting.shift())
      await this.#perform(write).catch((e: unknown) => this.#options.onLost((e as Error).message));
  }

  async #perform(write: Write): Promise<void> {
    for (let tries = 1; ; tries++)
      try {
        return await this.#try(write);
      } catch (e) {
        // Away or too busy: once it is back, what waits is still news. Anything else is an answer.
        const later = e instanceof KubeError && (e.status === 0 || e.status === 429 || e.status >= 500);
        if (!later || tries === mostTries || this.#options.stop.aborted) throw e;
        await sleep(seconds(2 ** tries), this.#options.stop);
      }
  }

  async #try(write: Write): Promise<void> {
    if (write.do === 'create') {
      try {
        await this.#kube.create(events, write.object);
      } catch (e) {
        // An answer that was lost on the way back.
        if (!(e instanceof KubeError && e.status === 409)) throw e;
      }
      return;
    }
    const told = this.#told.get(write.key);
    if (told === undefined) return;
    const series = { count: told.count, lastObservedTime: microTime(told.last) };
    try {
      await this.#kube.merge(events, write.at, { series });
    } catch (e) {
      // The server forgets Events after an hour; the next telling makes a new one.
      if (!(e instanceof KubeError && e.status === 404)) throw e;
      this.#told.delete(write.key);
    }
  }
}

/** Keeps the newest: a map remembers the order in which keys came. */
function remember<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  const [oldest] = map.keys();
  if (map.size > mostRemembered && oldest !== undefined) map.delete(oldest);
}

function digest(parts: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64');
}

/** The API server takes 1024 bytes. */
function shortened(note: string): string {
  if (Buffer.byteLength(note) <= 1024) return note;
  return `${Buffer.from(note)
    .subarray(0, 1000)
    .toString()
    .replace(/\uFFFD+$/, '')} …`;
}

function microTime(at: Instant): string {
  return new Date(at).toISOString().replace('Z', '000Z');
}

const mostRemembered = 1024;
const mostWaiting = 256;
const mostTries = 4;
