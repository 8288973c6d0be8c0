import * as z from 'zod';

/** Text that some back ends send as a number: `RetCode`, `Netmask`. */
export const text = z.union([z.string(), z.number()]).transform(String);
/** A whole number that some back ends send as text. */
export const whole = z.union([
  z.int(),
  z
    .string()
    .regex(/^-?\d+$/)
    .transform(Number),
]);
/** Absent, null and the empty text say the same: there is none. */
export const optionalText = text.nullish().transform((given) => (given === null || given === '' ? undefined : given));
const optionalWhole = whole.nullish().transform((given) => given ?? undefined);
/** Figures that a machine may lack while it is being made; one such machine must not make a whole list unreadable. */
const wholeOrNone = whole.nullish().transform((given) => given ?? 0);

/** A list of what `item` reads; an empty one is sometimes left out or null. */
function listOf<T extends z.ZodType>(item: T): z.ZodType<z.output<T>[]> {
  return z
    .array(item)
    .nullish()
    .transform((given) => given ?? []);
}

/** For calls whose answer we need nothing of. */
export const accepted = z.object({});

/** Ids that some actions give in a list, and the one id alone that others give. */
const idsMade = z.union([z.array(text), text.transform((id) => [id])]);

export const created = z.object({ UHostIds: idsMade });

const hostAddress = z.object({
  Type: optionalText,
  Default: z.union([z.boolean().transform(String), optionalText]),
  Mac: optionalText,
  IP: optionalText,
  VPCId: optionalText,
  SubnetId: optionalText,
  NetworkInterfaceId: optionalText,
});

const host = z.object({
  UHostId: text,
  Name: optionalText,
  Tag: optionalText,
  Zone: optionalText,
  /** Empty when the cloud could not read it: not a sign that the machine is gone. */
  State: optionalText,
  CreateTime: optionalWhole,
  RdmaClusterId: optionalText,
  CPU: wholeOrNone,
  /** MiB */
  Memory: wholeOrNone,
  IPSet: listOf(hostAddress),
});

export type Host = z.output<typeof host>;
export type HostAddress = z.output<typeof hostAddress>;
export const hosts = z.object({ TotalCount: optionalWhole, UHostSet: listOf(host) });

export const images = z.object({
  ImageSet: listOf(z.object({ ImageId: text, ImageName: optionalText, ImageSize: whole })),
});

export const vpcs = z.object({
  DataSet: listOf(z.object({ VPCId: text, Name: optionalText, Network: listOf(text) })),
});

export const subnets = z.object({
  DataSet: listOf(
    z.object({
      SubnetId: text,
      VPCId: text,
      SubnetName: optionalText,
      Name: optionalText,
      Subnet: text,
      Netmask: whole,
      Gateway: text,
      AvailableIPs: optionalWhole,
    }),
  ),
});

const resource = z
  .object({
    ResourceId: text,
    SecGroupInfo: listOf(z.object({ SecGroupId: text, Priority: whole })),
    ExInfo: z.object({ Uni: listOf(z.object({ ResourceId: text })) }).nullish(),
  })
  .transform(({ ResourceId, SecGroupInfo, ExInfo }) => ({
    ResourceId,
    SecGroupInfo,
    Uni: (ExInfo?.Uni ?? []).map((uni) => uni.ResourceId),
  }));

export type ResourceGroups = z.output<typeof resource>;
export const resourceGroups = z.object({ DataSet: listOf(resource) });

const secGroup = z.object({
  SecGroupId: text,
  Rule: listOf(
    z.object({
      Direction: text,
      IPRange: text,
      Priority: whole,
      ProtocolType: text,
      DstPort: optionalText,
      RuleAction: text,
    }),
  ),
});

export type SecGroup = z.output<typeof secGroup>;
export const secGroups = z.object({ DataSet: listOf(secGroup) });

export const secondaryAddresses = z.object({ DataSet: listOf(z.object({ Ip: text, Mac: optionalText })) });

export const privateIps = z.object({
  TotalCount: optionalWhole,
  DataSet: listOf(
    z.object({ PrivateIP: text, PrivateIPType: optionalText, ResourceID: text, ResourceName: optionalText }),
  ),
});

const ipLimit = z.object({ PrivateIpQuota: optionalWhole });

const networkInterface = z.object({
  InterfaceId: text,
  AttachInstanceId: optionalText,
  /** An object in answers, a list of objects in the reference. */
  PrivateIpLimit: z.union([ipLimit, z.array(ipLimit).transform(([first]) => first)]).nullish(),
});

export const networkInterfaces = z.object({
  TotalCount: optionalWhole,
  NetworkInterfaceSet: listOf(networkInterface),
});

export const allocated = z.object({
  IpsInfo: listOf(z.object({ Ip: text, Status: z.object({ StatusCode: text, Message: optionalText }) })),
});

const balancerTarget = z.object({
  Id: text,
  ResourceType: optionalText,
  ResourceId: optionalText,
  VPCId: optionalText,
  SubnetId: optionalText,
  ResourceIP: optionalText,
  Port: whole,
  State: optionalText,
});

const balancerListener = z.object({
  ListenerId: text,
  Remark: optionalText,
  Protocol: text,
  StartPort: whole,
  EndPort: whole,
  Scheduler: optionalText,
  StickinessTimeout: optionalWhole,
  ForwardSrcIPMethod: optionalText,
  HealthCheckConfig: z
    .object({ Port: optionalWhole, Type: optionalText })
    .nullish()
    .transform((given) => given ?? undefined),
  Targets: listOf(balancerTarget),
});

const networkBalancer = z.object({
  NLBId: text,
  Name: optionalText,
  Tag: optionalText,
  Remark: optionalText,
  VPCId: optionalText,
  SubnetId: optionalText,
  ChargeType: optionalText,
  CreateTime: optionalWhole,
  Status: optionalText,
  IPInfos: listOf(z.object({ IP: optionalText, Type: optionalWhole, AddressType: optionalText })),
  Listeners: listOf(balancerListener),
});

export type NetworkBalancer = z.output<typeof networkBalancer>;
export type BalancerListener = z.output<typeof balancerListener>;
export const networkBalancers = z.object({ TotalCount: optionalWhole, NLBs: listOf(networkBalancer) });
export const balancerListeners = z.object({ TotalCount: optionalWhole, Listeners: listOf(balancerListener) });
export const networkBalancerMade = z.object({ NLBId: text }).transform(({ NLBId }) => NLBId);
export const targetsAdded = z.object({ Targets: listOf(balancerTarget) });
export const listenerMade = z.object({ ListenerId: text }).transform(({ ListenerId }) => ListenerId);

/** @source UCloud API reference, ulb-api, models ULBSet, ULBVServerSet, ULBBackendSet; ClientTimeout may come as text */
const directListener = z.object({
  VServerId: text,
  VServerName: optionalText,
  Protocol: text,
  FrontendPort: whole,
  Method: optionalText,
  ClientTimeout: optionalWhole,
  MonitorType: optionalText,
  BackendSet: listOf(
    z.object({ BackendId: text, ResourceId: optionalText, Port: whole, Enabled: optionalWhole, Status: optionalWhole }),
  ),
});

const directBalancer = z.object({
  ULBId: text,
  Name: optionalText,
  Tag: optionalText,
  Remark: optionalText,
  VPCId: optionalText,
  SubnetId: optionalText,
  CreateTime: optionalWhole,
  ULBType: optionalText,
  PrivateIP: optionalText,
  VServerSet: listOf(directListener),
});

export type DirectBalancerSeen = z.output<typeof directBalancer>;
export type DirectListenerSeen = z.output<typeof directListener>;
export const directBalancers = z.object({ TotalCount: optionalWhole, DataSet: listOf(directBalancer) });
export const directListeners = z.object({ TotalCount: optionalWhole, DataSet: listOf(directListener) });
export const directBalancerMade = z.object({ ULBId: text }).transform(({ ULBId }) => ULBId);
export const directListenerMade = z.object({ VServerId: text }).transform(({ VServerId }) => VServerId);
export const directBackEndMade = z.object({ BackendId: text }).transform(({ BackendId }) => BackendId);

/** What a listener of an ALB may lack is told as null, or as an object with nothing in it. */
function partOf<S extends z.ZodRawShape>(shape: S) {
  return z
    .object(shape)
    .nullish()
    .transform((given) => given ?? undefined);
}

const optionalFlag = z
  .boolean()
  .nullish()
  .transform((given) => given ?? false);

const ruleAction = z.object({
  Type: text,
  ForwardConfig: partOf({ Targets: listOf(z.object({ Id: text, Weight: optionalWhole })) }),
  FixedResponseConfig: partOf({ HttpCode: optionalWhole, Content: optionalText }),
});

const rule = z.object({
  RuleId: text,
  IsDefault: optionalFlag,
  RuleConditions: listOf(
    z.object({
      Type: text,
      HostConfig: partOf({ MatchMode: optionalText, Values: listOf(text) }),
      PathConfig: partOf({ Values: listOf(text) }),
    }),
  ),
  RuleActions: listOf(ruleAction),
});

const applicationListener = z.object({
  ListenerId: text,
  Remark: optionalText,
  ListenerPort: whole,
  ListenerProtocol: text,
  Certificates: listOf(z.object({ SSLId: text, IsDefault: optionalFlag })),
  IdleTimeout: optionalWhole,
  Scheduler: optionalText,
  StickinessConfig: partOf({ Enabled: optionalFlag, Type: optionalText, CookieName: optionalText }),
  HealthCheckConfig: partOf({ Type: optionalText, Domain: optionalText, Path: optionalText, Method: optionalText }),
  RedirectEnabled: optionalFlag,
  RedirectPort: optionalWhole,
  Targets: listOf(balancerTarget),
  Rules: listOf(rule),
});

const applicationBalancer = z.object({
  LoadBalancerId: text,
  Name: optionalText,
  Tag: optionalText,
  Remark: optionalText,
  VPCId: optionalText,
  SubnetId: optionalText,
  ChargeType: optionalText,
  CreateTime: optionalWhole,
  IPInfos: listOf(z.object({ IP: optionalText, AddressType: optionalText })),
  SnatIPs: listOf(text),
  Listeners: listOf(applicationListener),
});

export type Rule = z.output<typeof rule>;
export type ApplicationListenerSeen = z.output<typeof applicationListener>;
export type ApplicationBalancerSeen = z.output<typeof applicationBalancer>;
export const applicationBalancers = z.object({ TotalCount: optionalWhole, LoadBalancers: listOf(applicationBalancer) });
export const applicationListeners = z.object({ TotalCount: optionalWhole, Listeners: listOf(applicationListener) });
export const applicationBalancerMade = z
  .object({ LoadBalancerId: text })
  .transform(({ LoadBalancerId }) => LoadBalancerId);
export const rules = z.object({ Rules: listOf(rule) });
export const ruleMade = z.object({ RuleId: text });

const certificate = z.object({
  SSLId: text,
  SSLName: optionalText,
  CreateTime: optionalWhole,
  Relations: listOf(z.object({ ListenerId: optionalText })),
});

export type Certificate = z.output<typeof certificate>;
export const certificates = z.object({ TotalCount: optionalWhole, DataSet: listOf(certificate) });
export const certificateMade = z.object({ SSLId: text });

const eip = z.object({
  EIPId: text,
  Tag: optionalText,
  Remark: optionalText,
  CreateTime: optionalWhole,
  Bandwidth: wholeOrNone,
  EIPAddr: listOf(z.object({ IP: text })),
  Resource: z
    .object({ ResourceType: optionalText, ResourceID: optionalText })
    .nullish()
    .transform((given) => given ?? undefined),
});

export type Eip = z.output<typeof eip>;
export const eips = z.object({ TotalCount: optionalWhole, EIPSet: listOf(eip) });
export const eipsMade = z.object({
  EIPSet: listOf(z.object({ EIPId: text, EIPAddr: listOf(z.object({ IP: text })) })),
});

const disk = z.object({
  UDiskId: text,
  Name: optionalText,
  Tag: optionalText,
  Zone: optionalText,
  DiskType: optionalText,
  /** `True` or `False`. */
  IsBoot: z.union([z.boolean().transform(String), optionalText]),
  Size: wholeOrNone,
  Status: optionalText,
  CreateTime: optionalWhole,
  HostId: optionalText,
  /** The older name of `HostId`. */
  UHostId: optionalText,
  ChargeType: optionalText,
  SnapshotCount: wholeOrNone,
  SnapshotLimit: wholeOrNone,
  SnapEnable: optionalWhole,
  BackupMode: optionalText,
  UKmsMode: optionalText,
  CmkId: optionalText,
  RdmaClusterId: optionalText,
});

export type Disk = z.output<typeof disk>;
export const disks = z.object({ TotalCount: optionalWhole, DataSet: listOf(disk) });

export const disksMade = z.object({ UDiskId: idsMade }).transform(({ UDiskId }) => UDiskId);

const snapshot = z.object({
  SnapshotId: text,
  Name: optionalText,
  UDiskId: optionalText,
  Zone: optionalText,
  CreateTime: optionalWhole,
  Size: wholeOrNone,
  Status: optionalText,
  DiskType: optionalWhole,
  UKmsMode: optionalText,
  CmkId: optionalText,
});

export type Snapshot = z.output<typeof snapshot>;
export const snapshots = z.object({ TotalCount: optionalWhole, DataSet: listOf(snapshot) });

export const snapshotsMade = z.object({ SnapshotId: idsMade }).transform(({ SnapshotId }) => SnapshotId);

const share = z.object({
  VolumeId: text,
  VolumeName: optionalText,
  Tag: optionalText,
  Remark: optionalText,
  StorageType: optionalText,
  Size: wholeOrNone,
  UsedSize: optionalWhole,
  CreateTime: optionalWhole,
  TotalMountPointNum: wholeOrNone,
  MaxMountPointNum: wholeOrNone,
});

export type Share = z.output<typeof share>;
export const shares = z.object({ TotalCount: optionalWhole, DataSet: listOf(share) });

export const shareMade = z.object({ VolumeId: text }).transform(({ VolumeId }) => VolumeId);

const mountPoint = z.object({ VpcId: text, SubnetId: text, MountPointIp: optionalText });

export type MountPointSeen = z.output<typeof mountPoint>;
export const mountPoints = z.object({ MaxMountPointNum: wholeOrNone, DataSet: listOf(mountPoint) });
