import ssh2 from 'ssh2';

/** A fresh ed25519 key pair in OpenSSH's form. */
export function makeKeyPair(comment: string): { readonly private: string; readonly public: string } {
  for (;;) {
    const made = ssh2.utils.generateKeyPairSync('ed25519', { comment });
    // Of a public key that begins with a zero byte, one in 256, ssh2 1.17 leaves that byte out, and nobody can read the pair (its lib/keygen.js).
    if (ssh2.utils.parseKey(made.private) instanceof Error) continue;
    return { private: `${made.private.trimEnd()}\n`, public: made.public.trim() };
  }
}

/** A private key that a person named. */
export interface PrivateKey {
  /** Where it came from, for messages. */
  readonly path: string;
  /** OpenSSH or PEM form. */
  readonly text: string;
  /** Of a key that is encrypted. */
  readonly passphrase?: string;
}

/** What is wrong with a private key; `undefined` when it can be used. */
export type KeyFault = 'needs-passphrase' | 'wrong-passphrase' | 'public' | 'unreadable';

export function keyFault(key: PrivateKey): KeyFault | undefined {
  const parsed = parsePrivateKey(key);
  if (!(parsed instanceof Error)) return parsed.isPrivateKey() ? undefined : 'public';
  if (/no passphrase given/i.test(parsed.message)) return 'needs-passphrase';
  return key.passphrase !== undefined && /passphrase|integrity|decrypt/i.test(parsed.message)
    ? 'wrong-passphrase'
    : 'unreadable';
}

const parsedKeys = new WeakMap<PrivateKey, ssh2.ParsedKey | Error>();

/** Once for each key: a passphrase is made slow to try. */
export function parsePrivateKey(key: PrivateKey): ssh2.ParsedKey | Error {
  const known = parsedKeys.get(key);
  if (known !== undefined) return known;
  const passphrase = key.passphrase === undefined ? undefined : Buffer.from(key.passphrase);
  const [parsed = new Error('the file contains no key')] = [ssh2.utils.parseKey(key.text, passphrase)].flat();
  parsedKeys.set(key, parsed);
  return parsed;
}

/** The fault as the middle of a sentence about the key's file, with its cure. */
export function explainKeyFault(fault: KeyFault, path: string): string {
  switch (fault) {
    case 'needs-passphrase':
      return `it has a passphrase; run isthmus on a terminal and type it there, set it in the environment variable ISTHMUS_SSH_PASSPHRASE, or load the key into the SSH agent (ssh-add ${path}) and write agent: true under ssh`;
    case 'wrong-passphrase':
      return 'the passphrase is wrong';
    case 'public':
      return `it is a public key; name the private key, ${path.endsWith('.pub') ? `most likely ${path.slice(0, -4)}` : 'the file of the same name without .pub'}`;
    case 'unreadable':
      return 'it is not a private key in OpenSSH or PEM format; make one with: ssh-keygen -t ed25519 -f FILE';
  }
}

/** The public half of a private key, `ssh-ed25519 AAAA…`. @fails Error: unreadable, or with a passphrase */
export function publicKeyOf(key: PrivateKey): string {
  const parsed = parsePrivateKey(key);
  if (parsed instanceof Error) throw parsed;
  return publicText(parsed);
}

function publicText(key: ssh2.ParsedKey): string {
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}

/** The public keys that an SSH agent offers, in its order. @fails Error: no agent at this socket */
export async function agentKeys(socket: string): Promise<readonly string[]> {
  const agent = ssh2.createAgent(socket);
  const { promise, resolve, reject } = Promise.withResolvers<readonly string[]>();
  const limit = setTimeout(() => reject(new Error('no answer within 5 s')), 5000);
  agent.getIdentities((e, keys) => {
    if (e) reject(e);
    else
      resolve(
        [keys ?? []].flat().flatMap((key) => {
          const parsed = ssh2.utils.parseKey(key as never) as ssh2.ParsedKey | ssh2.ParsedKey[] | Error;
          if (parsed instanceof Error) return [];
          return [parsed].flat().map(publicText);
        }),
      );
  });
  return promise.finally(() => clearTimeout(limit));
}
