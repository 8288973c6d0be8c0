import { Command, Option } from '@commander-js/extra-typings';
import { Connections, type Session } from '#cluster/session.ts';
import { type DoctorCloud, fixVolume, observeVolumes } from '#storage/doctor/doctor.ts';
import { explainFix, type FixableFinding, isFixable, type VolumeFinding } from '#storage/doctor/plan-doctor.ts';
import { confirmer } from './confirm.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption, yesOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function doctorCommand(tools: CliTools) {
  const doctor = new Command('doctor').summary('find what is wrong with parts of the cluster, and mend it');
  doctor.addCommand(
    new Command('storage')
      .summary('volumes that cannot be used, or that may strand a pod')
      .description(
        'Shows volumes that cannot be used where they say; cloud disks that do not say where they can be used, such as those that older drivers made: a pod with one may be sent to a machine of the site, which cannot attach it; and disks, file shares, directories of file shares and local volumes of this cluster that no PersistentVolume names. With --fix, writes the node affinity of such disks, and PersistentVolumes with reclaim policy Retain for what none names; shows it first and asks for confirmation. Nothing is ever removed. The exit code is 0 only when nothing is found, or nothing is left.',
      )
      .addOption(fileOption())
      .addOption(new Option('--fix', 'mend what can be mended').default(false))
      .addOption(yesOption())
      .addOption(outputOption())
      .addHelpText(
        'after',
        '\nExamples:\n  isthmus doctor storage\n  isthmus doctor storage --fix          # shows what would be written, and asks\n  isthmus doctor storage --output json | jq .findings',
      )
      .action(async ({ file, fix, yes, output }) => {
        const session = await openSession(tools, file);
        await withCluster(session, async (connections) => {
          const kube = await connections.kube();
          const where = doctorCloud(session);
          const found = await whileTelling(tools.err, 'looking at the volumes', () => observeVolumes(kube, where));
          const fixable = found.filter(isFixable);
          const wanted = fix && fixable.length > 0;
          const isAgreed = wanted && (await confirmer(tools, yes)(fixable.map(explainFix)));
          if (isAgreed) for (const finding of fixable) await fixVolume(kube, finding);
          const left = isAgreed ? await observeVolumes(kube, where) : found;
          const fixed = isAgreed ? fixable : [];
          tools.out(
            output === 'json'
              ? formatJson({ fixed: fixed.map(({ volume }) => volume), findings: left.map(plain) })
              : format(left, fixed),
          );
          if (wanted && !isAgreed) throw new CommandFailed(exitCodes.failed, 'nothing was done');
          if (left.length > 0) throw new CommandFailed(exitCodes.failed);
        });
      }),
  );
  return doctor;
}

function doctorCloud({ cloud, config }: Session): DoctorCloud {
  const { region, vpc, subnet } = config.cloud;
  return {
    disks: cloud.disks,
    shares: cloud.fileShares,
    makes: { disks: config.storage.cloudDisks, shares: config.storage.fileShares },
    mark: config.name,
    region,
    place: { vpc, subnet },
  };
}

async function withCluster(session: Session, work: (connections: Connections) => Promise<void>): Promise<void> {
  const connections = new Connections(session);
  try {
    await work(connections);
  } finally {
    await connections.close();
  }
}

function plain({ fix, ...finding }: VolumeFinding): object {
  return { ...finding, fixable: fix !== undefined };
}

function format(findings: readonly VolumeFinding[], fixed: readonly FixableFinding[]): string {
  const done = fixed.map((one) => `${one.what} ${one.volume}: ${doneTo(one)}\n`).join('');
  if (findings.length === 0) return `${done}all volumes can be used where they say\n`;
  const told = findings.map(({ what, volume, claim, says, fix }) => {
    const of = claim === undefined ? '' : ` (claim ${claim})`;
    const cure = fix === undefined ? '' : `; isthmus doctor storage --fix ${cures[fix.do]}`;
    return `${what} ${volume}${of}: ${says}${cure}\n`;
  });
  return `${done}${told.join('')}`;
}

const cures = { place: 'mends it', keep: 'makes a PersistentVolume that keeps it' } as const;

function doneTo({ fix }: FixableFinding): string {
  return fix.do === 'keep' ? `PersistentVolume ${fix.volume.metadata.name} keeps it` : 'mended';
}
