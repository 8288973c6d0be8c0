import { readFile, writeFile } from 'node:fs/promises';
import { Command, InvalidArgumentError } from '@commander-js/extra-typings';
import { parse as parseYaml } from 'yaml';
import { formatTable } from '#cli/table.ts';
import { CommandFailed, exitCodes } from '#cli/tools.ts';
import { messageOf } from '#unit/message-of.ts';
import { openLab } from '../server/client.ts';
import type { ShownFault } from '../server/cloud-control.ts';
import { parseLedger } from '../server/ledger.ts';
import { explainRecovery } from '../server/plan-recovery.ts';
import { type FaultText, faultKinds } from '../ucloud/gateway/fault-wish.ts';
import type { Call } from '../ucloud/gateway/gateway.ts';
import { parseKnownFault, parseScenario, type ScenarioText } from '../ucloud/scenario.ts';
import { objectsOf } from '../ucloud/ucloud.ts';
import { limitCommand } from './cloud-limit.ts';
import { nameOption, outputOption, usage } from './options.ts';
import { withoutSecrets } from './without-secrets.ts';

export function cloudCommand() {
  const cloud = new Command('cloud').description(
    'the simulated cloud: its objects, API calls, limits, and faults on request',
  );
  for (const make of [
    objectsCommand,
    callsCommand,
    limitCommand,
    faultCommand,
    scenarioCommand,
    saveCommand,
    loadCommand,
  ])
    cloud.addCommand(make() as Command);
  return cloud.addHelpText(
    'after',
    `
Examples:
  isthmus lab cloud objects
  isthmus lab cloud calls --action CreateUHostInstance
  isthmus lab cloud limit set machines 3
  isthmus lab cloud fault plant --action CreateUHostInstance --kind timeout-done --times 2
  isthmus lab cloud scenario bad-day.yaml`,
  );
}

function objectsCommand() {
  return new Command('objects')
    .description('list all objects of the cloud, without user data and passwords')
    .addOption(nameOption())
    .addOption(outputOption())
    .action(async ({ name, output }) => {
      const state = await (await openLab(name)).cloud.objects();
      if (output === 'json') return print(withoutSecrets(state));
      const rows = objectsOf(state).map((one) => [one.kind, one.id, one.name, one.state, one.where]);
      console.log(formatTable(['KIND', 'ID', 'NAME', 'STATE', 'WHERE'], rows).trimEnd());
    });
}

function callsCommand() {
  return new Command('calls')
    .description('list the latest API calls, oldest first')
    .addOption(nameOption())
    .addOption(outputOption())
    .option('--action <action>', 'only this action')
    .option('--limit <count>', 'number of calls to show', positive, 50)
    .action(async ({ name, output, action, limit }) => {
      const all = await (await openLab(name)).cloud.calls();
      const calls = all.filter((call) => action === undefined || call.action === action).slice(-limit);
      if (output === 'json') return print(calls);
      console.log(formatTable(['AT', 'ACTION', 'CODE', 'FAULT', 'MESSAGE'], calls.map(callRow)).trimEnd());
    });
}

function callRow({ at, action, code, fault, message }: Call): string[] {
  return [new Date(at).toISOString(), action, String(code), fault ?? '', message.split('\n', 1)[0] ?? ''];
}

function faultCommand() {
  const fault = new Command('fault').description('make API calls fail on request');
  fault.addCommand(faultListCommand());
  fault.addCommand(plantCommand());
  fault.addCommand(clearCommand());
  return fault.addHelpText('after', `\nExamples:${plantExamples}\n  isthmus lab cloud fault clear fault-1`);
}

function faultListCommand() {
  return new Command('list')
    .description('list the planted faults, and how many calls each has affected')
    .addOption(nameOption())
    .addOption(outputOption())
    .action(async ({ name, output }) => {
      const faults = await (await openLab(name)).cloud.faults();
      if (output === 'json') return print(faults);
      console.log(formatTable(['ID', 'ACTION', 'KIND', 'MET', 'LEFT'], faults.map(faultRow)).trimEnd());
    });
}

function faultRow({ id, wish, met, spent }: ShownFault): string[] {
  const left = spent ? 'none' : wish.times === undefined ? 'until cleared' : String(wish.times - met);
  return [id, wish.action, wish.kind, String(met), left];
}

const plantExamples = `
  isthmus lab cloud fault plant --action CreateUHostInstance --kind timeout-done --times 2
  isthmus lab cloud fault plant --action 'Describe*' --kind throttle --chance 0.3 --for 1m
  isthmus lab cloud fault plant --action CreateUHostInstance --kind refuse --code 8224 --times 1`;

function plantCommand() {
  const kinds = Object.entries(faultKinds).map(([kind, what]) => `  ${kind.padEnd(13)} ${what}`);
  return new Command('plant')
    .description('make calls of an action fail')
    .addOption(nameOption())
    .addOption(outputOption())
    .requiredOption('--action <action>', "an action, or a prefix with a star: CreateUHostInstance, 'Describe*'")
    .requiredOption('--kind <kind>', 'kind of fault, see below')
    .option('--times <count>', 'number of calls that fail; all if left out', positive)
    .option('--skip <count>', 'number of calls that succeed first', positive)
    .option('--after <span>', 'delay before it takes effect, such as 30s')
    .option('--for <span>', 'how long it takes effect, such as 1m')
    .option('--chance <share>', 'share of the calls that fail, above 0 and up to 1', Number)
    .option('--code <code>', 'the RetCode of kind refuse', positive)
    .option('--delay <span>', 'delay of the answer for kind slow, such as 5s')
    .addHelpText('after', `\nKinds:\n${kinds.join('\n')}\n\nExamples:${plantExamples}`)
    .action(async ({ name, output, ...wish }) => {
      const text = wish as FaultText;
      usage(parseKnownFault)(text);
      await play(name, output, { faults: [text] });
    });
}

async function play(lab: string, output: 'text' | 'json', wanted: ScenarioText): Promise<void> {
  const planted = await (await openLab(lab)).cloud.play(wanted);
  if (output === 'json') return print(planted);
  for (const { id, wish } of planted)
    console.log(`${id}: ${wish.action} meets ${wish.kind} (${faultKinds[wish.kind]})`);
}

function clearCommand() {
  return new Command('clear')
    .description('remove one fault, or all')
    .argument('[fault]', 'id of the fault, such as fault-1')
    .addOption(nameOption())
    .action(async (id, { name }) => {
      await (await openLab(name)).cloud.clear(id);
      console.log(id === undefined ? 'no fault is planted' : `${id} is removed`);
    });
}

function scenarioCommand() {
  return new Command('scenario')
    .description('apply the limits and faults of a file, all or none')
    .argument('<file>', 'YAML file, see below')
    .addOption(nameOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      `
The file has the limits of \`limit set\` and faults with the options of \`fault plant\`. Spans count from the moment of planting:
  limits: { machines: 3, calls: 5 }
  faults:
    - { action: CreateUHostInstance, kind: timeout-done, times: 2 }
    - { action: Describe*, kind: throttle, chance: 0.3, after: 30s, for: 1m }

Example:
  isthmus lab cloud scenario bad-day.yaml`,
    )
    .action(async (file, { name, output }) => {
      await play(name, output, await readScenario(file));
    });
}

/** @fails CommandFailed with exit code 2 for a file that is missing or wrong: nothing was tried */
async function readScenario(file: string): Promise<ScenarioText> {
  try {
    const text: unknown = parseYaml(await readFile(file, 'utf8'));
    parseScenario(text);
    return text as ScenarioText;
  } catch (e) {
    throw new CommandFailed(exitCodes.usage, `${file}: ${messageOf(e)}`);
  }
}

function saveCommand() {
  return new Command('save')
    .description("write the cloud's state to a file; only its owner can read it, because it contains passwords")
    .argument('<file>')
    .addOption(nameOption())
    .addHelpText('after', '\nExample:\n  isthmus lab cloud save before.json')
    .action(async (file, { name }) => {
      const state = await (await openLab(name)).cloud.objects();
      await writeFile(file, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
      console.log(`${file} has the cloud of lab "${name}": ${state.machines.length} machines`);
    });
}

function loadCommand() {
  return new Command('load')
    .description('load a saved state, and change the lab to match it')
    .argument('<file>')
    .addOption(nameOption())
    .addHelpText(
      'after',
      `
Machines that are not in the file are removed. Machines that no longer exist are installed again from their user data.

Example:
  isthmus lab cloud load before.json`,
    )
    .action(async (file, { name }) => {
      const state = parseLedger(await readFile(file, 'utf8'), file);
      const steps = await (await openLab(name)).cloud.load(state);
      for (const step of steps) console.log(explainRecovery(step));
      console.log(`lab "${name}" has the cloud of ${file}`);
    });
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('write a whole number above 0');
  return value;
}

function print(value: unknown): void {
  console.log(JSON.stringify(value, undefined, 2));
}
