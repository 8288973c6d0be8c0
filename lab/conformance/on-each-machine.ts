import { enterMachine } from '../machine/enter.ts';
import { observeMachines } from '../server/machines.ts';

/** Works on every machine that is on and may be a node. @shape inside: the given program and its arguments, as they are run on the machine */
export async function onEachMachine(
  lab: string,
  work: (name: string, inside: (...program: readonly string[]) => readonly string[]) => Promise<void>,
): Promise<void> {
  await Promise.all(
    observeMachines(lab).map(async ({ name, kind, init }) => {
      if (kind === 'gateway' || init === undefined) return;
      await work(name, (...program) => enterMachine(init, program, { term: 'dumb' }));
    }),
  );
}
