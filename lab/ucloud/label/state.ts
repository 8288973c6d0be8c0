export interface LabelState {
  readonly labels: LabelRecord[];
}

export interface LabelRecord {
  /** The id of what carries it. */
  readonly resource: string;
  readonly key: string;
  readonly value: string;
}
