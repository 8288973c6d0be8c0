import type * as z from 'zod';
import type { Cloud } from '#cloud/cloud.ts';
import type { Settings } from '#kube/api/settings.ts';
import type { Events } from '#kube/events.ts';
import type { Kube, WatchCache } from '#kube/kube.ts';
import type { NodeObject, PodObject } from '#kube/resources.ts';

/** One controller of a capability. All of them run in one process, under one lease. */
export interface ControllerPart {
  /** `pod-ranges`: its name in the log and in metrics. */
  readonly name: string;
  /** Works until `end`. When it fails or ends by itself before, it is started again after a wait, alone. */
  readonly run: (given: ControllerGiven, end: AbortSignal) => Promise<void>;
}

/** What all controllers share. */
export interface ControllerGiven {
  readonly kube: Kube;
  /** One connection and one rate limit for all. */
  readonly cloud: Cloud;
  readonly settings: Settings;
  /** The file of a capability beside them. @fails Error that names the file and each fault */
  readonly ownSettings: <T>(capability: string, schema: z.ZodType<T>) => Promise<T>;
  readonly caches: SharedCaches;
  readonly events: Events;
  readonly note: (facts: object, doing: string) => void;
}

/** One copy in memory of what several controllers follow, of each object only what they may need; begun when first asked for. */
export interface SharedCaches {
  readonly nodes: () => WatchCache<NodeObject>;
  readonly pods: () => WatchCache<PodObject>;
}
