import { type Dispatcher, EnvHttpProxyAgent, interceptors } from 'undici';

/** The ways out of this computer, as `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY` say it. */
export interface Proxies {
  readonly http: string;
  readonly https: string;
  /** Hosts that are reached straight, comma-separated. */
  readonly none: string;
}

/**
 * HTTP that goes through the proxies and follows redirections: release servers and registries answer with the place of
 * their nearest copy. Whoever opens it closes it.
 */
export function openHttp({ http, https, none }: Proxies): Dispatcher {
  return new EnvHttpProxyAgent({ httpProxy: http, httpsProxy: https, noProxy: none }).compose(
    interceptors.redirect({ maxRedirections: 5, throwOnMaxRedirect: true }),
  );
}

/** Both spellings are in use; the small one wins, as with curl. @fails Error that names the variable, the fault and the cure */
export function proxiesOf(env: Readonly<Record<string, string | undefined>>): Proxies {
  const read = (name: string): string => env[name.toLowerCase()] ?? env[name] ?? '';
  return { http: proxyUrl('HTTP_PROXY', read), https: proxyUrl('HTTPS_PROXY', read), none: read('NO_PROXY') };
}

/** `proxy:3128` is in use as well. */
function proxyUrl(name: string, read: (name: string) => string): string {
  const text = read(name);
  if (text === '') return '';
  const url = text.includes('://') ? text : `http://${text}`;
  if (URL.canParse(url)) return url;
  throw new Error(
    `${name} is "${text}", which is not the URL of a proxy; write for example http://proxy.example.com:3128`,
  );
}
