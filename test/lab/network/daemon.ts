import { connect } from '#kube/client.ts';
import { runNetworkAgent } from '#network/network-agent.ts';
import { ms } from '#unit/clock.ts';

/** The node's agent as a process of its own, without an API server to talk to: `daemon.ts FOLDER PLUGIN COOLDOWN_MS`. */
const [folder, plugin, cooldown] = process.argv.slice(2) as [string, string, string];
const stop = new AbortController();
process.once('SIGTERM', () => stop.abort(new Error('stopped by SIGTERM')));
const kube = connect({ server: 'https://127.0.0.1:1', token: () => 'none' });
await runNetworkAgent(
  {
    node: 'node-1',
    kube,
    mtu: 1400,
    cooldown: ms(Number(cooldown)),
    paths: {
      socket: `${folder}/cni.sock`,
      state: `${folder}/state`,
      plugin,
      plugins: `${folder}/bin`,
      configuration: `${folder}/net.d`,
    },
    note: (facts, doing) => process.stdout.write(`${JSON.stringify({ ...facts, msg: doing })}\n`),
  },
  stop.signal,
);
await kube.close();
