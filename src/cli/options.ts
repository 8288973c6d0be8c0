import { Option } from '@commander-js/extra-typings';

export const fileOption = () => new Option('-f, --file <path>', 'the cluster file').default('cluster.yaml');
export const outputOption = () =>
  new Option('-o, --output <form>', 'output format: text for people, json for programs')
    .choices(['text', 'json'] as const)
    .default('text' as const);
export const verboseOption = () => new Option('-v, --verbose', 'print every detail of each step').default(false);
export const yesOption = () => new Option('-y, --yes', 'answer yes to all prompts').default(false);
