import { Option } from '@commander-js/extra-typings';

export const fileOption = () => new Option('-f, --file <path>', "your cluster's file").default('cluster.yaml');
export const outputOption = () =>
  new Option('-o, --output <form>', 'for people or for programs')
    .choices(['text', 'json'] as const)
    .default('text' as const);
export const verboseOption = () =>
  new Option('-v, --verbose', 'tell every detail of each step as it happens').default(false);
export const yesOption = () => new Option('-y, --yes', 'agree to what would be asked').default(false);
