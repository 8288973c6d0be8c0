/** What the lab can't permit, whatever the cluster on it does. */
export interface Limit {
  /** Part of the spec's full name. */
  readonly spec: string;
  readonly why: string;
}

/** docs/reference/conformance.md holds the same list, which a test compares. */
export const limits: readonly Limit[] = [
  {
    spec: '[sig-node] ImageVolume should succeed with pod and pull policy of Always',
    why: 'containerd 1.6 of Debian 12 has no image volumes and refuses the container even when the image is there (`failed to mkdir ""`); besides, the spec pulls from a registry of the internet',
  },
];
