import { Argument, Command, Option } from '@commander-js/extra-typings';
import { type Explanation, explain } from '#cluster/explain/explain.ts';
import { formatJson } from './json.ts';
import { openSession } from './open-session.ts';
import { fileOption, outputOption } from './options.ts';
import { whileTelling } from './reporter.ts';
import { type CliTools, CommandFailed, exitCodes } from './tools.ts';

export function explainCommand(tools: CliTools) {
  return new Command('explain')
    .summary('why a node, a pod, a Service, an Ingress or a volume does not work')
    .description(
      'Shows why a node, a pod, a Service, an Ingress or a PersistentVolumeClaim (pvc) does not work: its conditions, the findings of every part of Isthmus, and its latest warning Events. Of a Service of type LoadBalancer, and of an Ingress of the class alb, it also shows the path from the client to the pods; of a Service with pods on both sides, whether clients prefer those near them; of a claim, and of a pod with volumes, where it can be used and why not elsewhere. The exit code is 0 only when nothing is found.',
    )
    .addArgument(
      new Argument('<kind>', 'kind of the object').choices(['node', 'pod', 'service', 'ingress', 'pvc'] as const),
    )
    .addArgument(new Argument('<name>', 'name of the object'))
    .addOption(
      new Option('-n, --namespace <namespace>', 'namespace of the pod, Service, Ingress or claim').default('default'),
    )
    .addOption(fileOption())
    .addOption(outputOption())
    .addHelpText(
      'after',
      '\nExamples:\n  isthmus explain node web-1\n  isthmus explain pod shop-0 --namespace shop\n  isthmus explain service shop --namespace shop\n  isthmus explain ingress shop --namespace shop\n  isthmus explain pvc data-shop-0 --namespace shop',
    )
    .action(async (kind, name, { namespace, file, output }) => {
      const session = await openSession(tools, file);
      const look = () => explain(session, kind, { name, namespace });
      const seen = await whileTelling(tools.err, 'looking at the cluster', look);
      tools.out(output === 'json' ? formatJson(seen) : formatExplanation(seen));
      if (seen.findings.length > 0) throw new CommandFailed(exitCodes.failed);
    });
}

function formatExplanation({ kind, name, namespace, path, findings }: Explanation): string {
  const title = `${kind} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  const hops = path.map((hop) => `  ${hop}\n`).join('');
  if (findings.length === 0) return `${title}: nothing found\n${hops}`;
  return `${title}\n${hops}${findings.map(({ by, says }) => `  ${by}: ${says}\n`).join('')}`;
}
