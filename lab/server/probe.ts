import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { request as requestPlain } from 'node:http';
import { request as requestSecured } from 'node:https';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { seconds } from '#unit/clock.ts';
import type { CheckRecord } from '../ucloud/ulb/network/state.ts';
import type { HttpQuestion, WorldProbe } from '../ucloud/ulb/world.ts';

const run = promisify(execFile);

/** @source UCloud ULB manual: what the older balancers send where nobody has chosen a text */
const usualRequest = 'Health Check';

/**
 * Whether a balancer's target answers, asked with the network of this process, which is that of the VPC router: security groups
 * don't judge what the cloud's own services send.
 */
export async function probe(wanted: WorldProbe): Promise<boolean> {
  await carry(wanted.from);
  if (wanted.type === 'Port') return answersTcp(wanted);
  if (wanted.type === 'Ping') return answersPing(wanted);
  if (wanted.type === 'HTTP') return answersHttp(wanted);
  const answer = await answerUdp(wanted);
  if (wanted.response !== '') return answer === wanted.response;
  // Silence says nothing where no answer is expected.
  return answer === undefined ? false : answer !== '' || answersPing(wanted);
}

const carried = new Set<string>();

async function carry(ip: string): Promise<void> {
  if (carried.has(ip)) return;
  await run('ip', ['address', 'replace', `${ip}/32`, 'dev', 'lo']);
  carried.add(ip);
}

type Asked<Kind> = Extract<WorldProbe, Kind>;
type Plain = Asked<CheckRecord>;

function answersTcp({ ip, port, from, within }: Plain): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, localAddress: from });
    const end = (answers: boolean): void => {
      // A reset leaves nothing behind at the target, and no port of ours in TIME_WAIT.
      socket.resetAndDestroy();
      resolve(answers);
    };
    socket.setTimeout(seconds(within), () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** A status code is enough: what comes after it is not read. */
function answersHttp({
  protocol,
  method,
  domain,
  path,
  good,
  within,
  ip,
  port,
  from,
}: Asked<HttpQuestion>): Promise<boolean> {
  const request = protocol === 'HTTPS' ? requestSecured : requestPlain;
  // Whose certificate a target has is not asked.
  const asked = request({ host: ip, port, method, path, localAddress: from, agent: false, rejectUnauthorized: false });
  asked.setHeader('host', domain === '' ? `${ip}:${port}` : domain);
  asked.setHeader('connection', 'close');
  return new Promise<boolean>((resolve) => {
    const late = setTimeout(() => resolve(false), seconds(within));
    asked.once('response', ({ statusCode = 0 }) => resolve(good.includes(Math.floor(statusCode / 100))));
    asked.on('error', () => resolve(false));
    asked.once('close', () => clearTimeout(late));
    asked.end();
  }).finally(() => asked.destroy());
}

/** @shape what came; empty when nothing did, `undefined` when the target refused */
function answerUdp({ ip, port, from, request, within }: Plain): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (answer: string | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(''), seconds(within));
    socket.once('error', () => end(undefined));
    socket.once('message', (answer) => end(answer.toString('utf8')));
    socket.bind(0, from, () => socket.connect(port, ip, () => socket.send(request === '' ? usualRequest : request)));
  });
}

async function answersPing({ ip, from, within }: Plain): Promise<boolean> {
  return run('ping', ['-q', '-n', '-c', '1', '-W', String(within), '-I', from, ip]).then(
    () => true,
    () => false,
  );
}
