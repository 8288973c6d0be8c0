/** For a sentence. @shape `a, b, c`; of more than three the first three, as `a, b, c and 2 more` */
export function few(names: readonly string[]): string {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} more`;
}
