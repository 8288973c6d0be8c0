import * as z from 'zod';

/**
 * What the programs inside the cluster need to know of it: ConfigMap `isthmus-system/isthmus`, key `settings.json`. Written
 * by `isthmus up` from cluster.yaml, read by the controller; each capability adds `NAME.json` of its own. It contains no secret; the cloud's keys are in Secret
 * `isthmus-system/isthmus-cloud`, under the names that their provider gives them.
 */
export const settingsSchema = z.object({
  /** The cluster's name, which is also its ownership mark on what it makes in a cloud. */
  name: z.string(),
  /** Whether the cluster was made with encryption of Secrets in etcd. */
  secretsEncryption: z.boolean().default(false),
  /** Beside what every provider has, its own settings by name. */
  cloud: z
    .object({
      provider: z.string(),
      region: z.string(),
      zone: z.string(),
      vpc: z.string(),
      subnet: z.string(),
    })
    .catchall(z.string()),
  /** All as CIDR text. */
  ranges: z.object({
    vpc: z.array(z.string()),
    services: z.string(),
    site: z.array(z.string()),
    /** Of routed machines; absent where none is. */
    sitePods: z.string().optional(),
  }),
});

export type Settings = z.infer<typeof settingsSchema>;

export const systemNamespace = 'isthmus-system';

/** The ConfigMap with what our programs need to know, and the Secret with the keys of the cloud. */
export const settingsName = 'isthmus';
export const cloudKeysName = 'isthmus-cloud';

/** Whom the controller is to the API server. Each capability brings the rights that its controllers need. */
export const controllerAccount = 'isthmus-controller';

/** The Lease that decides which replica of the controller works. */
export const controllerLease = 'isthmus-controller';
