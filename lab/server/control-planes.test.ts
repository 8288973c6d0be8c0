import { expect, test } from 'vitest';
import { parseApiServers } from './control-planes.ts';

test('an API server is where the kubeconfig says, whoever wrote it', () => {
  const kubeconfig = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: bm9uZQ==
    server: https://10.9.0.2:6443
  name: shop
- cluster: 
    server: "https://192.168.50.13:6444"
  name: other
`;
  expect(parseApiServers(kubeconfig)).toEqual([
    { address: '10.9.0.2', port: 6443 },
    { address: '192.168.50.13', port: 6444 },
  ]);
  expect(parseApiServers('# empty')).toEqual([]);
});
