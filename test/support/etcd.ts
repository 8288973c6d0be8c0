/** etcd through its JSON gateway, so that no further program is needed. */
export interface Etcd {
  /** Writes all at once. Gives the revision that they have: the API server's resourceVersion. */
  put(pairs: readonly (readonly [key: string, value: string])[]): Promise<string>;
  /** The keys below a prefix, each with the revision of its last write. */
  revisions(prefix: string): Promise<ReadonlyMap<string, string>>;
  /** Forgets all revisions before now. */
  compact(): Promise<void>;
}

/** @fails each call: Error with etcd's answer */
export function etcdAt(port: number): Etcd {
  const ask = async <T>(path: string, body: object): Promise<T & Answer> => {
    const answer = await fetch(`http://127.0.0.1:${port}/v3/${path}`, { method: 'POST', body: JSON.stringify(body) });
    if (!answer.ok) throw new Error(`etcd ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as T & Answer;
  };

  return {
    async put(pairs) {
      const success = pairs.map(([key, value]) => ({ requestPut: { key: encoded(key), value: encoded(value) } }));
      return (await ask('kv/txn', { success })).header.revision;
    },
    async revisions(prefix) {
      const { kvs = [] } = await ask<{ kvs?: readonly { key: string; mod_revision: string }[] }>('kv/range', {
        key: encoded(prefix),
        range_end: encoded(afterAll(prefix)),
        keys_only: true,
      });
      return new Map(kvs.map((pair) => [Buffer.from(pair.key, 'base64').toString(), pair.mod_revision]));
    },
    async compact() {
      const { header } = await ask('kv/range', { key: encoded('/') });
      await ask('kv/compaction', { revision: header.revision, physical: true });
    },
  };
}

interface Answer {
  readonly header: { readonly revision: string };
}

function encoded(text: string): string {
  return Buffer.from(text).toString('base64');
}

/** The first key that no longer begins with the prefix, which ends with `/`. */
function afterAll(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}
