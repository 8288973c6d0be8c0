import * as z from 'zod';
import { type Ms, ms } from '#unit/clock.ts';

/**
 * What a call that meets the fault suffers. `-done`: the work was done all the same, so the caller has to look.
 * @source the troubles of UCloud's own clients and its code list: 110, 130, 150, 153
 */
export const faultKinds = {
  throttle: '153, nothing was done',
  timeout: '110 "no answer within 60 s", nothing was done',
  'timeout-done': '110 although the work was done',
  internal: '130 internal trouble, nothing was done',
  unavailable: '150 service unavailable, nothing was done',
  refuse: 'the RetCode given by code, nothing was done',
  'hang-up': 'the connection ends without an answer, nothing was done',
  'hang-up-done': 'the connection ends without an answer although the work was done',
  slow: 'the answer comes later, by delay',
  'empty-list': 'a list without entries',
  'stale-list': 'a list as it stood when the fault was planted',
  'half-page': 'half of the entries of a page, with the true TotalCount',
  'unread-state': 'machines whose State is the empty text',
  fewer: 'half of the machines or addresses that were asked for',
  'install-fail': 'machines that end as Install Fail',
  'other-rdma-cluster': 'machines in another RDMA cluster than new disks',
  'late-device': 'a disk that is InUse before its machine has the device, by delay',
  'swapped-device': 'a disk that its machine has under another device name than the answer tells',
  'slow-detach': 'a disk that stays Detaching for longer, by delay',
} as const satisfies Record<string, string>;

export type FaultKind = keyof typeof faultKinds;
const kindNames = Object.keys(faultKinds) as [FaultKind, ...FaultKind[]];

/** `30s`, `1500ms`, `2m`. */
const span = z
  .string()
  .regex(/^\d+(\.\d+)?(ms|s|m)$/, 'write a number with its unit, such as 30s, 500ms or 2m')
  .transform(
    (text): Ms => ms(Number.parseFloat(text) * (text.endsWith('ms') ? 1 : text.endsWith('s') ? 1000 : 60_000)),
  );

/**
 * One fault to plant. Times count from the planting.
 * @shape action: a name, or the beginning of names with a star, such as `Describe*`; all that is left out does not limit
 * @unit chance: 0 to 1, drawn from the cloud's seed
 */
export const faultWish = z
  .strictObject({
    action: z.string().regex(/^([A-Za-z0-9]+\*?|\*)$/, 'write an action, such as CreateUHostInstance, Describe* or *'),
    kind: z.enum(kindNames, `write one of ${kindNames.join(', ')}`),
    /** How many calls meet it. */
    times: z.number().int().positive().optional(),
    /** How many calls of the action pass before. */
    skip: z.number().int().nonnegative().default(0),
    after: span.default(ms(0)),
    for: span.optional(),
    chance: z.number().gt(0).max(1).default(1),
    /** For `refuse` alone. */
    code: z.number().int().positive().optional(),
    /** For the kinds that take time: `slow` 3 s if it is left out, `late-device` 30 s, `slow-detach` 15 min. */
    delay: span.optional(),
  })
  .superRefine((wish, context) => {
    const say = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message });
    if ((wish.kind === 'refuse') !== (wish.code !== undefined))
      say('code', 'a RetCode such as 8224 belongs to kind refuse, which needs one');
    if (wish.delay !== undefined && !withDelay.includes(wish.kind))
      say('delay', `belongs to kind ${withDelay.join(', ')}`);
    for (const [kinds, fits, example] of suitable)
      if (kinds.includes(wish.kind) && !fits.test(wish.action)) say('action', `${wish.kind} needs ${example}`);
  });

const withDelay: readonly FaultKind[] = ['slow', 'late-device', 'slow-detach'];

const suitable: readonly [readonly FaultKind[], RegExp, string][] = [
  [
    ['empty-list', 'stale-list', 'half-page'],
    /^(Describe|List)/,
    'an action that lists, such as DescribeUHostInstance',
  ],
  [['unread-state'], /^DescribeUHostInstance$/, 'DescribeUHostInstance'],
  [
    ['fewer'],
    /^(CreateUHostInstance|AllocateBatchSecondaryIp|AllocateEIP)$/,
    'CreateUHostInstance, AllocateBatchSecondaryIp or AllocateEIP',
  ],
  [['install-fail', 'other-rdma-cluster'], /^CreateUHostInstance$/, 'CreateUHostInstance'],
  [['late-device', 'swapped-device'], /^(AttachUDisk|CreateAttachUDisk)$/, 'AttachUDisk or CreateAttachUDisk'],
  [['slow-detach'], /^(DetachUDisk|DetachDeleteUDisk)$/, 'DetachUDisk or DetachDeleteUDisk'],
];

/** A fault as a person or a program writes it, in JSON or YAML. */
export type FaultText = z.input<typeof faultWish>;
export type FaultWish = z.output<typeof faultWish>;

/** @fails Error with every fault of the text, each with its place */
export function parseFault(text: unknown): FaultWish {
  return parsed(faultWish, text);
}

/** @fails Error with every fault of the text, each with its place */
export function parsed<T>(schema: z.ZodType<T>, text: unknown): T {
  const read = schema.safeParse(text);
  if (read.success) return read.data;
  throw new Error(
    read.error.issues.map(({ path, message }) => [path.join('.'), message].filter(Boolean).join(': ')).join('\n'),
  );
}
