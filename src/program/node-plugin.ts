import { join } from 'node:path';
import { type Logger, pino } from 'pino';
import { serveHealth } from '#capability/health.ts';
import { registerPlugin } from '#rpc/plugin-registration.ts';
import type { Service } from '#rpc/rpc.ts';
import { serve } from '#rpc/serve.ts';
import { kubeletFolder, pluginFolder } from '#storage/csi/names.ts';
import { untilAborted } from '#unit/clock.ts';

/** What a driver's half on a node is told. */
export interface PluginGiven {
  /** The name of this Node. */
  readonly node: string;
  readonly log: Logger;
  readonly note: (facts: object, doing: string) => void;
}

/** A driver's half on a node, ready to be asked. */
export interface OpenPlugin {
  readonly services: readonly Service[];
  /** What it does beside answering, until `stop`. */
  readonly tend?: (stop: AbortSignal) => Promise<void>;
  readonly close?: () => Promise<void>;
}

/**
 * Runs a driver's half on a node until `stop`: it announces itself to kubelet, and is ready once kubelet has taken it.
 * @param port of its health
 * @fails Error when NODE_NAME is not set, and what `open` fails with
 */
export async function runNodePlugin(
  { program, driver, port }: { readonly program: string; readonly driver: string; readonly port: number },
  stop: AbortSignal,
  open: (given: PluginGiven) => Promise<OpenPlugin>,
): Promise<void> {
  const log = pino({ base: { program } });
  const note = (facts: object, doing: string): void => log.info(facts, doing);
  const node = process.env['NODE_NAME'] ?? '';
  if (node === '') throw new Error('NODE_NAME is not set: give it the name of this Node, from spec.nodeName');

  let refusal: string | undefined = 'kubelet has not asked for the driver yet';
  const ready = (): string | undefined => refusal;
  const health = await serveHealth({ live: () => undefined, ready }, { port });
  const { services, tend = untilAborted, close } = await open({ node, log, note });
  const endpoint = join(pluginFolder(driver), 'csi.sock');
  const server = await serve(endpoint, services, { note });
  // Last: kubelet asks the driver at once.
  const registration = await registerPlugin(
    { driver, endpoint, registry: `${kubeletFolder}/plugins_registry` },
    (fault) => {
      refusal = fault === undefined ? undefined : `kubelet refuses the driver: ${fault}`;
      note({ fault }, fault === undefined ? 'kubelet knows the driver' : 'kubelet refuses the driver');
    },
    { note },
  );
  try {
    await tend(stop);
  } finally {
    await registration.close();
    await server.close();
    await health.close();
    await close?.();
  }
}
