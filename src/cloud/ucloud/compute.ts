import { randomBytes } from 'node:crypto';
import { formatMs, type Ms, seconds, sleep } from '#unit/clock.ts';
import { fail, ok, type Result } from '#unit/result.ts';
import type { CloudMachine, Compute, MachineWish } from '../compute.ts';
import type { CloudFailure } from '../failure.ts';
import { findHost, listHosts } from './host-list.ts';
import { parseMachine, tagOf } from './parse-machine.ts';
import { planCreate } from './plan-create.ts';
import { type PowerVerb, planPower } from './plan-power.ts';
import { planRemoval } from './plan-removal.ts';
import { type Deadline, deadlineIn, shareOf } from './wire/deadline.ts';
import { accepted, created, type Host } from './wire/shapes.ts';
import type { Wire } from './wire/transport.ts';

type Answer<T> = Result<T, CloudFailure>;

/** @unit zone: for machines whose own answer names none; poll: pause between two looks at a machine */
export function ucloudCompute(wire: Wire, options: { readonly zone: string; readonly poll: Ms }): Compute {
  // Two wishes for one name in this process must not both find nothing and both create.
  const creating = new Map<string, Promise<Answer<CloudMachine>>>();

  async function listMarked(mark: string, deadline: Deadline): Promise<Answer<readonly Host[]>> {
    const listed = await listHosts(wire, { Tag: tagOf(mark) }, deadline);
    // The filter is checked again here: what follows may delete.
    return listed.ok ? ok(listed.value.filter((host) => host.Tag === tagOf(mark))) : listed;
  }

  async function findWished(wish: MachineWish, deadline: Deadline): Promise<Answer<CloudMachine | undefined>> {
    const listed = await listMarked(wish.mark, deadline);
    if (!listed.ok) return listed;
    const host = chooseHost(listed.value, wish.name);
    return ok(host && parseMachine(host, options.zone));
  }

  async function create(wish: MachineWish, deadline: Deadline): Promise<Answer<CloudMachine>> {
    const step = planCreate(wish, freshPassword());
    if (step.do === 'refuse')
      return fail({ kind: 'invalid', raw: { action: createAction, code: 'wish', message: step.why } });
    const before = await findWished(wish, deadline);
    if (!before.ok) return before;
    if (before.value !== undefined) return ok(before.value);

    const answer = await wire.call(
      { action: createAction, effect: 'once', params: step.params, secrets: step.secrets, shape: created },
      // A lost answer must leave time to look for the machine.
      shareOf(deadline, 0.7),
    );
    if (answer.ok) return firstSight(wish, answer.value.UHostIds, deadline);
    return answer.failure.kind === 'unknown' ? lookAgain(wish, answer.failure, deadline) : answer;
  }

  /** The machine as the cloud shows it, or, while the list lags behind, as it was accepted. */
  async function firstSight(
    wish: MachineWish,
    ids: readonly string[],
    deadline: Deadline,
  ): Promise<Answer<CloudMachine>> {
    const id = ids[0];
    if (id === undefined) {
      const message = 'accepted, but no machine was made: the cloud has no room for it here';
      return fail({ kind: 'exhausted', what: 'machines', raw: { action: createAction, code: 'none-made', message } });
    }
    const listed = await listHosts(wire, { 'UHostIds.0': id }, deadline);
    const host = listed.ok ? listed.value.find((candidate) => candidate.UHostId === id) : undefined;
    return ok(host === undefined ? acceptedMachine(wish, id) : parseMachine(host, options.zone));
  }

  /** After a create whose answer was lost: the machine may appear in the list some seconds later. */
  async function lookAgain(
    wish: MachineWish,
    failure: CloudFailure,
    deadline: Deadline,
  ): Promise<Answer<CloudMachine>> {
    for (let look = 0; look < looksAfterLostCreate && deadline.left() > options.poll; look++) {
      await sleep(options.poll);
      const seen = await findWished(wish, deadline);
      if (seen.ok && seen.value !== undefined) return ok(seen.value);
    }
    return fail(failure);
  }

  async function ask(verb: PowerVerb, action: string, host: Host, deadline: Deadline): Promise<Answer<unknown>> {
    const params = { Zone: host.Zone ?? options.zone, UHostId: host.UHostId };
    return wire.call({ action, effect: verb === 'reboot' ? 'once' : 'repeatable', params, shape: accepted }, deadline);
  }

  async function power(id: string, verb: PowerVerb, deadline: Deadline): Promise<Answer<void>> {
    const seen = await findHost(wire, id, deadline);
    if (!seen.ok) return seen;
    const step = planPower(verb, parseMachine(seen.value, options.zone).state);
    if (step.do === 'hold') return ok();
    if (step.do === 'refuse')
      return fail({ kind: 'state', raw: { action: `power ${verb}`, code: 'state', message: `${id}: ${step.why}` } });
    const asked = await ask(verb, step.action, seen.value, shareOf(deadline, 0.8));
    if (asked.ok) return ok();
    return onItsWay(id, verb, asked.failure, deadline);
  }

  /** A verb that was sent twice, or whose answer was lost, finds the machine in the wrong state because it worked. */
  async function onItsWay(
    id: string,
    verb: PowerVerb,
    failure: CloudFailure,
    deadline: Deadline,
  ): Promise<Answer<void>> {
    if (failure.kind !== 'state' && failure.kind !== 'unknown') return fail(failure);
    const seen = await findHost(wire, id, deadline);
    if (!seen.ok) return fail(failure);
    const { state } = parseMachine(seen.value, options.zone);
    const there = planPower(verb, state).do === 'hold' || (verb === 'off' && state === 'stopping');
    return there ? ok() : fail(failure);
  }

  async function remove(id: string, mark: string, within: Ms): Promise<Answer<void>> {
    const deadline = deadlineIn(within);
    const overdueBelow = deadline.left() - Math.min(longestShutdown, within / 2);
    const asked: ('stop' | 'off')[] = [];
    let last = 'nothing';
    for (;;) {
      const seen = await findHost(wire, id, deadline);
      if (!seen.ok) return seen.failure.kind === 'gone' ? ok() : seen;
      if (seen.value.Tag !== tagOf(mark)) return fail(foreign(id, mark));
      const { state } = parseMachine(seen.value, options.zone);
      const step = planRemoval({ state, asked, shutdownIsOverdue: deadline.left() < overdueBelow });
      last = state;
      if (step.do === 'terminate') {
        const ended = await terminate(seen.value, deadline);
        if (ended.ok || ended.failure.kind === 'gone') return ok();
        if (!worthAnotherLook(ended.failure)) return ended;
      } else if (step.do !== 'wait') {
        asked.push(step.do);
        const action = step.do === 'stop' ? 'StopUHostInstance' : 'PoweroffUHostInstance';
        const told = await ask(step.do, action, seen.value, shareOf(deadline, 0.5));
        if (!told.ok && !worthAnotherLook(told.failure)) return told.failure.kind === 'gone' ? ok() : told;
      }
      if (deadline.left() <= options.poll) return fail(tooLong(id, within, last));
      await sleep(options.poll);
    }
  }

  async function terminate(host: Host, deadline: Deadline): Promise<Answer<unknown>> {
    return wire.call(
      {
        action: 'TerminateUHostInstance',
        effect: 'repeatable',
        params: {
          Zone: host.Zone ?? options.zone,
          UHostId: host.UHostId,
          // Our machines are made with a boot disk and nothing else, and that one always goes with the machine. Whatever
          // is attached besides holds the data of pods, and an EIP was bound by a person: both must outlive the machine.
          ReleaseUDisk: false,
          ReleaseEIP: false,
        },
        shape: accepted,
      },
      deadline,
    );
  }

  return {
    async create(wish, { within }) {
      const key = `${wish.mark} ${wish.name}`;
      const running = creating.get(key);
      if (running !== undefined) return running;
      const begun = create(wish, deadlineIn(within)).finally(() => creating.delete(key));
      creating.set(key, begun);
      return begun;
    },
    async list(mark, { within }) {
      const listed = await listMarked(mark, deadlineIn(within));
      if (!listed.ok) return listed;
      const machines = listed.value.map((host) => parseMachine(host, options.zone));
      return ok(machines.sort((a, b) => (a.name === b.name ? order(a.id, b.id) : order(a.name, b.name))));
    },
    async find(id, { within }) {
      const seen = await findHost(wire, id, deadlineIn(within));
      return seen.ok ? ok(parseMachine(seen.value, options.zone)) : seen;
    },
    power: (id, verb, { within }) => power(id, verb, deadlineIn(within)),
    remove: (id, mark, { within }) => remove(id, mark, within),
  };
}

const createAction = 'CreateUHostInstance';
const looksAfterLostCreate = 5;
/** systemd itself gives its services 90 s; a node was drained before, so a shutdown that takes longer than this hangs. */
const longestShutdown = seconds(60);

/** The oldest of several with one name: every process that looks adopts the same one. */
function chooseHost(hosts: readonly Host[], name: string): Host | undefined {
  return hosts
    .filter((host) => host.Name === name)
    .sort((a, b) => (a.CreateTime ?? 0) - (b.CreateTime ?? 0) || order(a.UHostId, b.UHostId))[0];
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function acceptedMachine(wish: MachineWish, id: string): CloudMachine {
  const { name, mark, zone, cpu, memory } = wish;
  return { id, name, mark, zone, state: 'creating', nic: undefined, cpu, memory };
}

/** Answers that only say that the world is not as it was when we looked. */
function worthAnotherLook(failure: CloudFailure): boolean {
  return failure.kind === 'state' || failure.kind === 'unknown';
}

function foreign(id: string, mark: string): CloudFailure {
  const message = `${id} does not carry the mark "${mark}"; it belongs to somebody else and was left alone`;
  return { kind: 'denied', raw: { action: 'TerminateUHostInstance', code: 'foreign', message } };
}

function tooLong(id: string, within: Ms, last: string): CloudFailure {
  const message = `waited ${formatMs(within)} for ${id} to stop and end; last seen: ${last}`;
  return { kind: 'unknown', raw: { action: 'TerminateUHostInstance', code: 'deadline', message } };
}

/** Long, of all classes that password rules ask for, and forgotten at once. */
function freshPassword(): string {
  return `Is1-${randomBytes(18).toString('base64url')}`;
}
