import { Agent, type IncomingMessage, request } from 'node:http';

/**
 * A program: clients of one URL, until its standard input ends. `node load-client.ts URL RATE`: so many requests a second, each over
 * a connection of its own, whatever the others are waiting for; fewer only while the program itself gets no processor. Beside them ten clients keep a connection for 20 s each and ask
 * over it every second. Prints one JSON line at its end.
 */
const [url = '', rate = '200'] = process.argv.slice(2);
const perSecond = Number(rate);
const limit = 5000;
const held = 10;
const holdFor = 20_000;

const failures: string[] = [];
const counts = { asked: 0, answered: 0, failed: 0, overHeld: 0, failedOverHeld: 0, slowestMs: 0 };
/** When the first and the last request that failed were sent, in seconds since the beginning. */
const failing: number[] = [];
/** How late this program itself was at worst: what it calls slow may be its own computer. */
let lateMs = 0;
let skipped = 0;
const answers: Record<string, number> = {};
let isOver = false;
const began = performance.now();

/**
 * A port that no request had for two minutes: whoever tracks connections on the way remembers one that never ended for so long, and
 * would send the next one from the same port after it. Many clients have many addresses; these have one.
 */
let lastPort = 1023;
function nextPort(): number {
  lastPort = lastPort === 32_767 ? 1024 : lastPort + 1;
  return lastPort;
}

function ask(agent: Agent | false): Promise<boolean> {
  const at = performance.now();
  counts.asked++;
  return new Promise((resolve) => {
    const end = (fault: string | undefined, who = ''): void => {
      clearTimeout(timer);
      hasEnded = true;
      const took = performance.now() - at;
      counts.slowestMs = Math.max(counts.slowestMs, Math.round(took));
      if (fault === undefined) {
        counts.answered++;
        answers[who] = (answers[who] ?? 0) + 1;
      } else {
        counts.failed++;
        const sent = (at - began) / 1000;
        failing.splice(0, 2, Math.min(sent, ...failing), Math.max(sent, ...failing));
        if (failures.length < 20)
          failures.push(`${((at - began) / 1000).toFixed(1)} s${agent === false ? '' : ', held connection'}: ${fault}`);
      }
      resolve(fault === undefined);
    };
    const asked = request(
      url,
      agent === false ? { agent, localPort: nextPort() } : { agent },
      (response: IncomingMessage) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => {
          body += text;
        });
        response.on('end', () => end(response.statusCode === 200 ? undefined : `status ${response.statusCode}`, body));
        response.on('error', (e) => end(e.message));
      },
    );
    let hasEnded = false;
    const giveUp = (): void => {
      const { connecting = true, localPort = 0 } = asked.socket ?? {};
      if (!hasEnded)
        asked.destroy(new Error(`${connecting ? 'no connection' : `no answer to port ${localPort}`} in ${limit} ms`));
    };
    // What has come while this program got no processor is read first.
    const timer = setTimeout(() => setImmediate(giveUp), limit);
    asked.on('error', (e) => end(e.message));
    asked.end();
  });
}

async function hold(delay: number): Promise<void> {
  await pause(delay);
  while (!isOver) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const until = performance.now() + holdFor;
    while (!isOver && performance.now() < until) {
      counts.overHeld++;
      if (!(await ask(agent))) counts.failedOverHeld++;
      await pause(1000);
    }
    agent.destroy();
  }
}

function pause(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

async function flow(): Promise<void> {
  const open = new Set<Promise<boolean>>();
  let sent = 0;
  while (!isOver) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
    // What this program is late with is left out: all of it at once would be another load than the one that was asked for.
    const tooMany = Math.max(0, due - sent - Math.ceil(perSecond / 2));
    skipped += tooMany;
    sent += tooMany;
    for (; sent < due; sent++) {
      const one: Promise<boolean> = ask(false).finally(() => open.delete(one));
      open.add(one);
    }
    const before = performance.now();
    await pause(5);
    lateMs = Math.max(lateMs, Math.round(performance.now() - before - 5));
  }
  await Promise.all(open);
}

/** How long it asked; the last answers come later. */
let seconds = 0;
process.stdin.resume().on('end', () => {
  isOver = true;
  seconds = (performance.now() - began) / 1000;
});
await Promise.all([flow(), ...Array.from({ length: held }, (_, n) => hold((n * holdFor) / held))]);
console.log(JSON.stringify({ ...counts, skipped, lateMs, seconds, failing, answers, failures }));
