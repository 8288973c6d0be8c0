import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { usualMachine } from '#cluster/join/machine-facts.example.ts';
import { neededCommands } from '#cluster/join/machine-facts.ts';
import { planChecks } from '#cluster/join/plan-checks.ts';
import { parseSurroundings, surroundingsScript } from '#cluster/join/surroundings.ts';
import { parseSystemFacts, systemScript } from '#cluster/join/system-facts.ts';
import { type RecordedSystem, recordedSystems } from '#cluster/join/systems.example.ts';

/**
 * A bare system as it was recorded: its os-release is read by the very script that looks at machines, and systemctl and firewall-cmd answer as they do there. All
 * else is of the usual machine.
 */
function lookAt({ osRelease, firewalld }: RecordedSystem) {
  const folder = mkdtempSync(join(tmpdir(), 'isthmus-recorded-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'os-release'), osRelease);
  const answers = {
    systemctl: `[ "$*" = "is-active -q firewalld" ] && ${firewalld}`,
    'firewall-cmd': 'false',
    nft: 'true',
  };
  for (const [name, answer] of Object.entries(answers))
    writeFileSync(join(folder, name), `#!/bin/sh\n${answer}\n`, { mode: 0o755 });
  const script = `${surroundingsScript}\n${systemScript}`.replaceAll('/etc/os-release', join(folder, 'os-release'));
  const text = execFileSync('sh', ['-s'], {
    encoding: 'utf8',
    input: `exec 2>/dev/null; api=; say() { echo "$1=$2"; }; PATH=${folder}:$PATH\n${script}`,
    timeout: 60_000,
  });
  const lines = text.split('\n');
  const all = (key: string): string[] =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));
  return { system: parseSystemFacts(all), surroundings: parseSurroundings(all) };
}

function factsOf(recorded: RecordedSystem) {
  const { system, surroundings } = lookAt(recorded);
  const { kernel, cgroup, selinuxEnforcing, resolvers } = recorded;
  return {
    ...usualMachine,
    kernel,
    cgroup,
    resolvers,
    // As it comes from its installer.
    missingCommands: ['containerd', 'ctr', 'runc', 'nft'],
    surroundings: { ...usualMachine.surroundings, closedChains: surroundings.closedChains },
    system: { ...usualMachine.system, os: system.os, closedInput: system.closedInput, selinuxEnforcing },
  };
}

const tested = 'use Debian 12, or try one machine first';
const docker = 'dnf config-manager --add-repo https://download.docker.com/linux/centos/docker-ce.repo && ';
const forward =
  'Isthmus adds two rules to it that accept packets of pods; allow interfaces ist* in the configuration of that firewall as well';
const openPort = 'firewall-cmd --permanent --add-port=10250/tcp && firewall-cmd --reload';
const permissive = 'try one machine first, or write SELINUX=permissive to /etc/selinux/config and run setenforce 0';
const grubby =
  'before an upgrade to 1.38: grubby --update-kernel=ALL --args=systemd.unified_cgroup_hierarchy=1, and reboot';

/** All that is found on each, by its cure. */
const found: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'Ubuntu 22.04': {
    'missing-commands': 'apt-get install -y containerd runc nftables',
    'system-version': tested,
  },
  'Ubuntu 24.04': {
    'missing-commands': 'apt-get install -y containerd runc nftables',
    'system-version': tested,
  },
  'Rocky Linux 9': {
    'missing-commands': `${docker}dnf install -y containerd.io nftables`,
    selinux: permissive,
    'closed-input': openPort,
    'system-version': tested,
    'closed-forward': forward,
  },
  'openEuler 24.03': {
    'missing-commands': 'dnf install -y containerd /usr/bin/runc nftables',
    selinux: permissive,
    'closed-input': openPort,
    'system-version': tested,
    'cgroup-v1': grubby,
    'closed-forward': forward,
  },
  'openEuler 22.03': {
    'old-kernel': 'kube-proxy in nftables mode needs 5.13 or newer',
    'missing-commands': 'dnf install -y containerd /usr/bin/runc nftables',
    selinux: permissive,
    'closed-input': openPort,
    'system-version': tested,
    'cgroup-v1': grubby,
    'closed-forward': forward,
  },
};

test.each(recordedSystems.map((recorded) => [recorded.title, recorded] as const))(
  'a bare %s: what is in the way, with the commands of that system',
  (title, recorded) => {
    const findings = planChecks(factsOf(recorded), 'node');
    expect(Object.fromEntries(findings.map(({ name, cure }) => [name, cure]))).toEqual(found[title]);
    expect(recorded.sources.length).toBeGreaterThan(0);
  },
);

test('every system that was recorded is judged', () => {
  expect(recordedSystems.map(({ title }) => title)).toEqual(Object.keys(found));
});

test('with everything installed and its port open, a system of the same family has notes alone, but for SELinux', () => {
  for (const recorded of recordedSystems.filter(({ kernel }) => !kernel.startsWith('5.10'))) {
    const facts = factsOf(recorded);
    const ready = { ...facts, missingCommands: [], system: { ...facts.system, closedInput: [] } };
    const worse = planChecks(ready, 'node').filter(({ weight }) => weight !== 'note');
    expect(worse.map(({ name }) => name)).toEqual(recorded.selinuxEnforcing ? ['selinux'] : []);
  }
});

test('the commands that are looked for are those whose packages are known', () => {
  expect(neededCommands).toEqual([
    'containerd',
    'ctr',
    'runc',
    'ip',
    'nft',
    'mount',
    'modprobe',
    'sysctl',
    'systemctl',
  ]);
});
