import { gzipSync } from 'node:zlib';
import { stringify } from 'yaml';
import { userDataLimit } from '#cloud/compute.ts';
import { systemNamespace } from '#kube/api/settings.ts';
import type { JoinFile } from './join-file.ts';
import { apiAuthorityPath, joinRecordName } from './join-report.ts';

/** What a bare machine fetches: our program first, which fetches the rest. */
export interface Download {
  /** Its path is relative to the folder of bundle.json. */
  readonly program: { readonly path: string; readonly digest: string; readonly size: number };
  /** Of everything. */
  readonly bytes: number;
}

/**
 * The one script that turns a bare machine into a node, run by cloud-init or over SSH: leaves join.json, fetches this program
 * from the bundle, checks it, and lets it do the rest. Can be repeated. `ca` is the certificate of the cluster's authority, for
 * a machine that is to report its progress to the API server. `failed` is what becomes of a join that fails: on a machine that nobody
 * logs in to it is undone there, unless an earlier one has left something.
 */
export function bootstrapScript(
  join: JoinFile,
  { program, bytes }: Download,
  ca?: string,
  failed: 'stays' | 'is-undone' = 'stays',
): string {
  const isUndone = failed === 'is-undone';
  return `#!/bin/sh
set -eu
umask 077
# All that is asked here is inside the cluster's networks, where no proxy leads.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
${isUndone ? undoing : ''}mkdir -p /etc/isthmus /usr/local/bin
cat > /etc/isthmus/join.json <<'ISTHMUS'
${JSON.stringify(join, null, 2)}
ISTHMUS
to=/usr/local/bin/isthmus
has() { echo "${program.digest.slice('sha256:'.length)}  $1" | sha256sum -c --status 2>/dev/null; }
${reporting(join, bytes, ca)}if ! has $to; then
  while sleep 5 > /dev/null 2>&1; do report "$(stat -c %s $to.part 2>/dev/null || echo 0)"; done &
  reporter=$!
  whole=no
  curl -fsS --retry 30 --retry-delay 1 --retry-connrefused --connect-timeout 5 --speed-time 60 --speed-limit 1 \\
    -C - -o $to.part ${join.bundle.url}/${program.path} && whole=yes
  kill $reporter
  if ! has $to.part; then
    # What a broken connection left is resumed at the next try.
    if [ $whole = yes ] || [ "$(stat -c %s $to.part 2>/dev/null || echo 0)" -ge ${program.size} ]; then rm -f $to.part; fi
    echo "isthmus: ${join.bundle.url}/${program.path} could not be fetched, or does not have the digest that the bundle gives; check that this machine can reach it" >&2
    exit 1
  fi
  chmod 755 $to.part
  mv $to.part $to
fi
exec $to machine join --file /etc/isthmus/join.json${isUndone ? ' $undo' : ''}
`;
}

/** Until the program is there, which undoes its own. */
const undoing = `undo=
if ! [ -e /etc/isthmus/join.json ] && ! [ -e /etc/kubernetes/kubelet.conf ]; then
  undo=--undo
  trap 'rm -rf /etc/isthmus; echo "isthmus: this machine is again as it was before the join" >&2' EXIT
fi
`;

/** While the program itself is fetched, the shell reports; in the same form as the program does later. */
function reporting(join: JoinFile, of: number, ca: string | undefined): string {
  const line = `echo "  fetched $(($1 / 1000000)) of ${Math.floor(of / 1_000_000)} MB"`;
  if (ca === undefined || join.admission === undefined) return `report() { ${line}; }\n`;
  const { address, port } = join.api;
  const url = `https://${address}:${port}/api/v1/namespaces/${systemNamespace}/configmaps/${joinRecordName(join.machine)}`;
  // The token goes by stdin: what is on the command line everybody on the machine can read.
  return `cat > ${apiAuthorityPath} <<'ISTHMUS'
${ca.trim()}
ISTHMUS
report() {
  ${line}
  printf 'Authorization: Bearer %s\\n' '${join.admission.token}' | curl -sS -o /dev/null -m 10 --cacert ${apiAuthorityPath} -H @- \\
    -H 'Content-Type: application/merge-patch+json' -X PATCH -d '{"data":{"step":"program","have":"'$1'","of":"${of}"}}' \\
    ${url} 2>/dev/null || true
}
`;
}

/** The same as one line for root's shell, on a machine that nobody logs in to over SSH. */
export function pastedLine(script: string): string {
  return `echo ${gzipSync(script, { level: 9 }).toString('base64')} | base64 -d | gunzip | sh`;
}

/**
 * User data of a cloud worker: nobody logs in to it, so it tries by itself until it has joined, also after a reboot in between.
 * How long it may try is for whoever prolongs its join token.
 */
export function nodeUserData(join: JoinFile, download: Download, ca: string): string {
  return checked(`#!/bin/sh
umask 077
mkdir -p ${perBoot}
cat > ${perBoot}/isthmus-join <<'JOIN'
#!/bin/sh
n=0
until sh /etc/isthmus-bootstrap.sh >> /var/log/isthmus-join.log 2>&1; do
  if [ $n -lt 12 ]; then n=$((n + 1)); fi
  sleep $((n * 5))
done
rm -f /etc/isthmus-bootstrap.sh ${perBoot}/isthmus-join
JOIN
cat > /etc/isthmus-bootstrap.sh <<'BOOTSTRAP'
${bootstrapScript(join, download, ca)}BOOTSTRAP
chmod 700 ${perBoot}/isthmus-join
exec ${perBoot}/isthmus-join
`);
}

/** What cloud-init runs at each boot; user data runs at the first one alone. */
const perBoot = '/var/lib/cloud/scripts/per-boot';

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
