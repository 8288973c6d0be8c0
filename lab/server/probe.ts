import { execFile } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { seconds } from '#unit/clock.ts';
import type { WorldProbe } from '../ucloud/ulb/world.ts';

const run = promisify(execFile);

/** @source UCloud ULB manual: an answer that comes within 2 s is good */
const patience = seconds(2);
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

function answersTcp({ ip, port, from }: WorldProbe): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: ip, port, localAddress: from });
    const end = (answers: boolean): void => {
      // A reset leaves nothing behind at the target, and no port of ours in TIME_WAIT.
      socket.resetAndDestroy();
      resolve(answers);
    };
    socket.setTimeout(patience, () => end(false));
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

/** @shape what came; empty when nothing did, `undefined` when the target refused */
function answerUdp({ ip, port, from, request }: WorldProbe): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const end = (answer: string | undefined): void => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const timer = setTimeout(() => end(''), patience);
    socket.once('error', () => end(undefined));
    socket.once('message', (answer) => end(answer.toString('utf8')));
    socket.bind(0, from, () => socket.connect(port, ip, () => socket.send(request === '' ? usualRequest : request)));
  });
}

async function answersPing({ ip, from }: WorldProbe): Promise<boolean> {
  const within = String(patience / 1000);
  return run('ping', ['-q', '-n', '-c', '1', '-W', within, '-I', from, ip]).then(
    () => true,
    () => false,
  );
}
