import { expect, test } from 'vitest';
import { explainUnreached, unreachedBy } from './plan-unreached.ts';

const reading = 'reading /api/v1/nodes/web-1/proxy/healthz: error trying to reach service: ';

test.each([
  ['a firewall drops what is sent', 'dial tcp 10.9.0.12:10250: i/o timeout (503 ServiceUnavailable)', 'no-answer'],
  ['nobody listens', 'dial tcp 10.9.0.12:10250: connect: connection refused (503 ServiceUnavailable)', 'no-answer'],
  [
    'the kubelet has no certificate yet',
    'remote error: tls: internal error (503 ServiceUnavailable)',
    'no-certificate',
  ],
  [
    'its certificate is of another authority',
    'tls: failed to verify certificate: x509: certificate signed by unknown authority (503 ServiceUnavailable)',
    'no-certificate',
  ],
  [
    'its certificate is for another address',
    'x509: certificate is valid for 10.9.0.99, not 10.9.0.12 (503 ServiceUnavailable)',
    'no-certificate',
  ],
])('why kubectl logs does not work is told apart: %s', (_title, message, why) => {
  expect(unreachedBy(reading + message)).toBe(why);
});

test('firewalls are blamed only where nothing answers', () => {
  expect(explainUnreached('web-1', 'no-answer')).toBe(
    'the API server does not reach port 10250 of web-1, so kubectl logs and exec do not work there; allow traffic from the control plane to this port in the firewalls on the machine and on the network path',
  );
  expect(explainUnreached('web-1', 'no-certificate')).toBe(
    "the API server reaches port 10250 of web-1, but the kubelet there has no certificate of the cluster for its address, so kubectl logs and exec do not work there; kubectl describe certificatesigningrequests tells whether the node's request waits or was denied, and why",
  );
});
