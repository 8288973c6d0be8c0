/** What is written on a PersistentVolumeClaim about where its volume can be used. Written at its creation by an admission policy, then by the controller. */
export const volumeFacts = {
  /** Label, `cloud` or `site`: by its presence admission policies find the claims that they must look at. */
  ground: 'isthmus.dev/volume-ground',
  /** Annotation: the zone of the cloud that the volume is in, once it is known. */
  zone: 'isthmus.dev/volume-zone',
  /** Annotation: the machine of the site that the volume is on, once it is known. */
  machine: 'isthmus.dev/volume-machine',
  /** Annotation, `gone`: that machine is not in the cluster. */
  machineState: 'isthmus.dev/volume-machine-state',
} as const;

/** On a Namespace: `refuse` turns warnings about pods that can never run into refusals, `off` silences them. */
export const guardLabel = 'isthmus.dev/storage-guard';
