import { execFileSync } from 'node:child_process';
import { connectSsh } from '#host/ssh.ts';
import { seconds } from '#unit/clock.ts';
import { messageOf } from '#unit/message-of.ts';
import { startSshd } from './sshd.ts';

/** Run in a network namespace of its own: says how a command ends whose line goes dead, and ends itself. */
execFileSync('ip', ['link', 'set', 'lo', 'up']);
const sshd = await startSshd();
const { host } = await connectSsh(sshd.target, { within: seconds(10), silence: seconds(2) });
const running = host.run(['sleep', '300'], { within: seconds(300) });
setTimeout(() => execFileSync('ip', ['link', 'set', 'lo', 'down']), 500);
await running.catch((e: unknown) => process.stdout.write(`${messageOf(e)}\n`));
await host.close();
process.stdout.write('closed\n');
await sshd.stop();
