import { Command, CommanderError } from '@commander-js/extra-typings';
import { FaultyFile } from '#cluster/config/fault.ts';
import { Refused } from '#cluster/refused.ts';
import { messageOf } from '#unit/message-of.ts';
import { addonCommand } from './addon.ts';
import { bundleCommand } from './bundle.ts';
import { doctorCommand } from './doctor.ts';
import { downCommand } from './down.ts';
import { explainCommand } from './explain.ts';
import { machineCommand } from './machine.ts';
import { nodeCommand } from './node.ts';
import { routesCommand } from './routes.ts';
import { statusCommand } from './status.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';
import { upCommand } from './up.ts';
import { versionCommand } from './version.ts';

/** A command that another part of the product brings; its types are its own. */
// biome-ignore lint: commander's inferred generics differ for each command and nobody here reads them
type AnyCommand = Parameters<Command['addCommand']>[0];

/**
 * Runs one command line, without the program's name.
 * @shape the exit code: see `exitCodes`, and `docs/reference` for what each command makes of it
 */
export async function runCli(
  args: readonly string[],
  tools: CliTools,
  more: readonly AnyCommand[] = [],
): Promise<number> {
  const program = isthmusProgram(tools, more);
  try {
    if (args[0] === 'help') commandNamed(program as AnyCommand, args.slice(1)).help();
    await program.parseAsync(args, { from: 'user' });
    return 0;
  } catch (e) {
    return explainEnd(e, tools);
  }
}

/** All commands, ready to parse; the reference page is made from them too. */
export function isthmusProgram(tools: CliTools, more: readonly AnyCommand[] = []): Command {
  const program = new Command('isthmus')
    .description("One Kubernetes cluster over a public cloud's network and your own machines.")
    .version(`isthmus ${tools.version}`, '-V, --version', 'the version of this program')
    .enablePositionalOptions()
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus up -f cluster.yaml      # create the cluster\n  isthmus status                  # nodes and problems of both sides\n  isthmus lab up                  # the same on this one machine, with a simulated cloud and site\n\nRun isthmus help <command> for details.',
    );
  for (const command of [
    upCommand,
    downCommand,
    statusCommand,
    explainCommand,
    doctorCommand,
    nodeCommand,
    routesCommand,
    addonCommand,
    bundleCommand,
    machineCommand,
    versionCommand,
  ])
    program.addCommand(command(tools) as AnyCommand);
  for (const command of more) program.addCommand(command);
  quiet(program as AnyCommand, tools);
  return program;
}

/** Commander's own help command looks at the first word only, and tells of `lab` when asked for `lab up`. */
function commandNamed(command: AnyCommand, [word, ...more]: readonly string[]): AnyCommand {
  if (word === undefined) return command;
  const next = command.commands.find((sub) => sub.name() === word);
  if (next === undefined) command.error(`error: unknown command '${word}'`);
  return commandNamed(next as AnyCommand, more);
}

/** Every command writes through our streams and throws instead of ending the process. */
function quiet(command: AnyCommand, tools: CliTools): void {
  command.exitOverride();
  command.configureOutput({ writeOut: tools.out, writeErr: tools.err });
  command.showHelpAfterError('(add --help for usage)');
  for (const sub of command.commands) quiet(sub as AnyCommand, tools);
}

function explainEnd(e: unknown, tools: CliTools): number {
  if (e instanceof CommanderError) return e.exitCode === 0 ? 0 : exitCodes.usage;
  if (tools.signal.aborted && !(e instanceof CommandFailed && e.exitCode === exitCodes.stopped)) {
    tools.err('stopped. Nothing is lost: run the same command again to continue\n');
    return exitCodes.stopped;
  }
  const message = messageOf(e);
  if (message !== '') tools.err(`isthmus: ${message}\n`);
  if (e instanceof CommandFailed) return e.exitCode;
  return e instanceof FaultyFile || e instanceof Refused ? exitCodes.usage : exitCodes.failed;
}
