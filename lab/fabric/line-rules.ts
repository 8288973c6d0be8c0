/** What is asked of the leased line, both directions alike. */
export interface LineState {
  readonly cut: boolean;
  /** @unit kilobits a second; `undefined`: as fast as this computer */
  readonly rateKbit: number | undefined;
  /** Share of lost packets, 0 to 100. */
  readonly lossPercent: number;
}

export const wholeLine: LineState = { cut: false, rateKbit: undefined, lossPercent: 0 };

/** The line is a bridge between these two ports, so nothing of it shows inside the router or the site's gateway. */
export const linePorts = ['line-vpc', 'line-site'] as const;

/** One nft file that replaces what was there before, in one transaction. */
export function formatLineRules(table: string, state: LineState): string {
  const from = `iifname { ${linePorts.map((p) => `"${p}"`).join(', ')} }`;
  const rules = [
    ...(state.cut ? [`${from} drop`] : []),
    ...(state.lossPercent > 0 ? [`${from} numgen random mod 10000 < ${Math.round(state.lossPercent * 100)} drop`] : []),
  ];
  const chain = ['type filter hook forward priority 0; policy accept;', ...rules]
    .map((line) => `    ${line}\n`)
    .join('');
  return `table bridge ${table}\ndelete table bridge ${table}\ntable bridge ${table} {\n  chain line {\n${chain}  }\n}\n`;
}

/** The shell line that gives one port its rate. A rate is kept where packets leave: on each port for one direction. */
export function formatLineRate(port: string, state: LineState): string {
  if (state.rateKbit === undefined) return `tc qdisc replace dev ${port} root noqueue`;
  // 10 ms of traffic, and never less than some full packets: with less tbf does not reach its rate.
  const burst = Math.max(16_000, Math.round((state.rateKbit * 1000 * 0.01) / 8));
  return `tc qdisc replace dev ${port} root tbf rate ${state.rateKbit}kbit burst ${burst} latency 100ms`;
}

/** Reads `10mbit`, `512kbit`, `1gbit`, `off`. @fails Error with a good example */
export function parseRate(text: string): number | undefined {
  if (text === 'off') return undefined;
  const match = /^([1-9]\d{0,5})(k|m|g)bit$/.exec(text);
  if (match === null) throw new Error(`rate "${text}": write a number with its unit, such as 10mbit, or off`);
  return Number(match[1]) * { k: 1, m: 1000, g: 1_000_000 }[match[2] as 'k' | 'm' | 'g'];
}

/** Reads `5%`, `0.5%`, `off`. @fails Error with a good example */
export function parseLoss(text: string): number {
  if (text === 'off') return 0;
  const match = /^(\d{1,3}(?:\.\d{1,2})?)%$/.exec(text);
  if (match === null || Number(match[1]) > 100)
    throw new Error(`loss "${text}": write a share from 0% to 100%, such as 5%, or off`);
  return Number(match[1]);
}

/** `whole`, `cut`, `10 Mbit/s, 5 % lost`: for people. */
export function explainLine(state: LineState): string {
  if (state.cut) return 'cut';
  const traits = [
    ...(state.rateKbit === undefined ? [] : [`at most ${state.rateKbit / 1000} Mbit/s`]),
    ...(state.lossPercent === 0 ? [] : [`${state.lossPercent} % of packets lost`]),
  ];
  return traits.length === 0 ? 'whole' : traits.join(', ');
}
