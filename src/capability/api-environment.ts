/** What client libraries read to find the API server. */
export function apiEnvironment(api: {
  readonly address: string;
  readonly port: number;
}): { name: string; value: string }[] {
  return [
    { name: 'KUBERNETES_SERVICE_HOST', value: api.address },
    { name: 'KUBERNETES_SERVICE_PORT', value: String(api.port) },
  ];
}
