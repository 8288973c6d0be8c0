import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import * as z from 'zod';
import { messageOf } from '#unit/message-of.ts';
import type { Fabric } from '../fabric/fabric.ts';
import type { LineState } from '../fabric/line-rules.ts';
import { markOf } from '../fabric/names.ts';
import { answerCloud } from './cloud-control.ts';
import type { LabCloud } from './lab-cloud.ts';
import type { LabMachines, MachineCard } from './machines.ts';
import type { LabSettings } from './settings.ts';
import { isSshUp } from './ssh-up.ts';

/** What the lab's server tells about its lab. */
export interface LabStatus {
  readonly name: string;
  readonly speed: number;
  readonly machines: readonly (MachineCard & {
    readonly power: 'on' | 'off' /** Seen from the office, which the line does not cut off. */;
    readonly ssh: boolean;
  })[];
  readonly line: LineState;
  /** How the first start goes: what is done, and why it can't go on. */
  readonly start: { readonly done: readonly StartStep[]; readonly complete: boolean; readonly failed?: string };
}

export interface StartStep {
  readonly what: string;
  /** @unit ms */
  readonly took: number;
}

const lineChange = z.strictObject({
  cut: z.boolean().optional(),
  rateKbit: z.number().int().positive().nullable().optional(),
  lossPercent: z.number().min(0).max(100).optional(),
});

const powerActions = { start: 'on', stop: 'stop', off: 'off', reboot: 'reboot' } as const;
type PowerAction = keyof typeof powerActions;

export interface ControlOptions {
  readonly settings: LabSettings;
  readonly machines: LabMachines;
  readonly fabric: Fabric;
  readonly cloud: LabCloud;
  readonly start: () => LabStatus['start'];
}

/**
 * The lab's own control API, spoken over a unix socket that only root can open:
 * `GET /status`, `POST /machines/KEY/(start|stop|off|reboot)`, `PATCH /line`, and what cloud-control.ts answers under
 * `/cloud`. A refusal is `{ "error": … }`.
 */
export function controlServer(options: ControlOptions): Server {
  return createServer((request, response) => {
    handle(options, request).then(
      (body) => send(response, 200, body),
      (e: unknown) => send(response, 400, { error: messageOf(e) }),
    );
  });
}

async function handle(options: ControlOptions, request: IncomingMessage): Promise<unknown> {
  const asked = `${request.method} ${request.url}`;
  if (asked === 'GET /status') return status(options);
  if (asked === 'PATCH /line') return changeLine(options.fabric, await bodyOf(request));
  if (request.url?.startsWith('/cloud/')) return answerCloud(options.cloud, asked, () => bodyOf(request));
  const power = /^POST \/machines\/([a-z0-9-]+)\/(start|stop|off|reboot)$/.exec(asked);
  if (power === null) throw new Error(`nothing answers to ${asked}`);
  await options.machines.get(power[1] as string)[powerActions[power[2] as PowerAction]]();
  return {};
}

async function status({ settings, machines, fabric, start }: ControlOptions): Promise<LabStatus> {
  const office = markOf(settings.name, 'office');
  const rows = machines.all().map(async ({ card, machine }) => {
    const on = machine.init() !== undefined;
    return {
      ...card,
      power: on ? ('on' as const) : ('off' as const),
      ssh: on && (await isSshUp(office, card.address)),
    };
  });
  return {
    name: settings.name,
    speed: settings.speed,
    machines: await Promise.all(rows),
    line: fabric.line(),
    start: start(),
  };
}

async function changeLine(fabric: Fabric, body: string): Promise<LineState> {
  const { rateKbit, ...change } = lineChange.parse(JSON.parse(body));
  const wanted = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
  await fabric.setLine({ ...wanted, ...(rateKbit === undefined ? {} : { rateKbit: rateKbit ?? undefined }) });
  return fabric.line();
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk as string;
  return text;
}

function send(response: ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
