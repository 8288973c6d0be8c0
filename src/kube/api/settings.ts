import * as z from 'zod';

/**
 * What the programs inside the cluster need to know of it: ConfigMap `isthmus-system/isthmus`, key `settings.json`. Written
 * by `isthmus up` from cluster.yaml, read by the controller; each capability adds `NAME.json` of its own. It holds no secret; cloud keys are in Secret `isthmus-system/isthmus-cloud`
 * under `publicKey` and `privateKey`.
 */
export const settingsSchema = z.object({
  /** The cluster's name, which is also its ownership mark on what it makes in a cloud. */
  name: z.string(),
  cloud: z.object({
    provider: z.enum(['ucloud']),
    region: z.string(),
    zone: z.string(),
    project: z.string(),
    vpc: z.string(),
    subnet: z.string(),
    /** Base URL of the cloud's API. */
    endpoint: z.string(),
  }),
  /** All as CIDR text. */
  ranges: z.object({
    vpc: z.array(z.string()),
    services: z.string(),
    site: z.array(z.string()),
    sitePods: z.string(),
  }),
});

export type Settings = z.infer<typeof settingsSchema>;

export const systemNamespace = 'isthmus-system';

/** Whom the controller is to the API server. Each capability brings the rights that its controllers need. */
export const controllerAccount = 'isthmus-controller';

/** The Lease that decides which replica of the controller works. */
export const controllerLease = 'isthmus-controller';
