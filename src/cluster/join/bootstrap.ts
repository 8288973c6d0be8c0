import { stringify } from 'yaml';
import { userDataLimit } from '#cloud/compute.ts';
import type { Bundle } from '../bundle/bundle.ts';
import type { JoinFile } from './join-file.ts';

/**
 * The one script that turns a bare machine into a node, run by cloud-init or over SSH: leaves join.json, fetches this program
 * from the bundle, checks it, and lets it do the rest. Can be repeated.
 */
export function bootstrapScript(join: JoinFile, bundle: Bundle): string {
  const program = bundle.bin.find(({ name }) => name === 'isthmus');
  if (program === undefined) throw new Error('the bundle has no bin named isthmus; make the bundle again');
  return `#!/bin/sh
set -eu
umask 077
mkdir -p /etc/isthmus /usr/local/bin
cat > /etc/isthmus/join.json <<'ISTHMUS'
${JSON.stringify(join, null, 2)}
ISTHMUS
to=/usr/local/bin/isthmus
has() { echo "${program.digest.slice('sha256:'.length)}  $1" | sha256sum -c --status 2>/dev/null; }
if ! has $to; then
  curl -fsS --retry 30 --retry-delay 1 --retry-connrefused --connect-timeout 5 -C - -o $to.part ${join.bundle.url}/${program.path} || rm -f $to.part
  if ! has $to.part; then
    rm -f $to.part
    echo "isthmus: ${join.bundle.url}/${program.path} could not be fetched, or is not what the bundle says; see that this machine reaches it" >&2
    exit 1
  fi
  chmod 755 $to.part
  mv $to.part $to
fi
exec $to machine join --file /etc/isthmus/join.json
`;
}

/** User data of a cloud node: nobody logs in to it, so it tries by itself for as long as its token lives. */
export function nodeUserData(join: JoinFile, bundle: Bundle): string {
  return checked(`#!/bin/sh
cat > /run/isthmus-bootstrap.sh <<'BOOTSTRAP'
${bootstrapScript(join, bundle)}BOOTSTRAP
n=0
until sh /run/isthmus-bootstrap.sh >> /var/log/isthmus-join.log 2>&1; do
  n=$((n + 1))
  if [ $n -ge 20 ]; then exit 1; fi
  sleep 5
done
`);
}

/** User data of a cloud control plane: lets the operator in, and shows the host key that the operator made and expects. */
export function controlPlaneUserData(keys: {
  /** `ssh-ed25519 AAAA…` of the operator. */
  readonly operator: string;
  readonly hostPrivate: string;
  readonly hostPublic: string;
}): string {
  const config = {
    disable_root: false,
    ssh_authorized_keys: [keys.operator],
    ssh_deletekeys: true,
    ssh_genkeytypes: [],
    ssh_keys: { ed25519_private: keys.hostPrivate, ed25519_public: keys.hostPublic },
  };
  return checked(`#cloud-config\n${stringify(config, { version: '1.1', lineWidth: 0 })}`);
}

function checked(userData: string): string {
  const size = Buffer.byteLength(userData);
  if (size > userDataLimit)
    throw new Error(`user data has ${size} bytes, and ${userDataLimit} is the limit; shorten bundle.url`);
  return userData;
}
