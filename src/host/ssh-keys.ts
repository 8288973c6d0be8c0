import ssh2 from 'ssh2';

/** A fresh ed25519 key pair in OpenSSH's form. */
export function makeKeyPair(comment: string): { readonly private: string; readonly public: string } {
  const made = ssh2.utils.generateKeyPairSync('ed25519', { comment });
  return { private: `${made.private.trimEnd()}\n`, public: made.public.trim() };
}

/** The public half of a private key, `ssh-ed25519 AAAA…`. @fails Error: unreadable, or with a passphrase */
export function publicKeyOf(privateKey: string): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw parsed;
  const [key] = [parsed].flat();
  if (key === undefined) throw new Error('the file holds no key');
  return `${key.type} ${key.getPublicSSH().toString('base64')}`;
}
