import type { Compute } from '#cloud/compute.ts';
import type { CloudFailure } from '#cloud/failure.ts';
import { ucloudCompute } from '#cloud/ucloud/compute.ts';
import type { Call, Wire } from '#cloud/ucloud/wire/transport.ts';
import { ms } from '#unit/clock.ts';
import { fail, ok } from '#unit/result.ts';

/** A machine as the cloud has it. */
export interface MachineModel {
  readonly id: string;
  readonly name: string;
  readonly ip: string;
  /** The business group that it carries. */
  readonly tag: string;
  readonly from: number;
  until: number;
}

/**
 * What the cloud's answers suffer, by what would be told of it afterwards. The first group is drawn for each call, the second is how the whole of
 * the API looks to whoever asks: one gateway does not change the project with every call.
 */
export const callLies = [
  'empty lists',
  'half pages',
  'half pages with the true count',
  'lists without one machine',
  'marks left out',
  'no addresses',
  'throttled',
  'unavailable',
  'timed out although done',
] as const;
export const viewLies = [
  'stale caches',
  'another project',
  'another project with a cluster of the same name',
  'another region',
  'expired keys',
] as const;
export type Lie = (typeof callLies)[number] | (typeof viewLies)[number];

/** A time in which answers are false. @unit share: of the calls that suffer, for what is drawn for each call */
export interface Episode {
  readonly lie: Lie;
  readonly from: number;
  readonly until: number;
  readonly share: number;
}

/** UCloud's answers to what is asked of a machine, true and false, below the real reading of them. Answers take time, which is that of the world. */
export class LyingCloud {
  readonly machines: MachineModel[] = [];
  readonly #episodes: readonly Episode[];
  readonly #clock: { now: number };
  readonly #chance: () => number;
  /** How many answers were false. */
  lies = 0;

  constructor(clock: { now: number }, episodes: readonly Episode[], chance: () => number) {
    this.#clock = clock;
    this.#episodes = episodes;
    this.#chance = chance;
  }

  compute(): Compute {
    const wire: Wire = {
      // The shape of each answer is that of the wire: the reading of it is the real one.
      call: async <T>(call: Call<T>) => {
        const answer = this.#answer(call.action, call.params);
        this.#clock.now += 50 + Math.floor(this.#chance() * 500);
        return 'failure' in answer ? fail(answer.failure) : ok(call.shape.parse(answer));
      },
      as: () => wire,
    };
    return ucloudCompute({ wire, zone: 'cn-bj2-04', poll: ms(0) });
  }

  #answer(action: string, params: Call<unknown>['params']): object | { readonly failure: CloudFailure } {
    const lie = this.#lieNow();
    if (lie !== undefined) this.lies++;
    const failure = failures[lie as keyof typeof failures];
    if (failure !== undefined) return { failure: { kind: failure, raw: { action, code: '1', message: lie ?? '' } } };
    const machines = this.#view(lie);
    if (action === 'DescribeUHostInstance') return this.#hosts(machines, params, lie);
    if (action === 'DescribePrivateIP') return addresses(lie === 'no addresses' ? [] : machines, params);
    return { TotalCount: 0, NetworkInterfaceSet: [] };
  }

  #lieNow(): Lie | undefined {
    const { now } = this.#clock;
    const episode = this.#episodes.find(({ from, until }) => from <= now && now < until);
    if (episode === undefined) return undefined;
    const isOfCalls = (callLies as readonly string[]).includes(episode.lie);
    return !isOfCalls || this.#chance() < episode.share ? episode.lie : undefined;
  }

  /** What is there, as whoever asks is led to believe. */
  #view(lie: Lie | undefined): readonly MachineModel[] {
    const at = lie === 'stale caches' ? this.#clock.now - staleBy : this.#clock.now;
    const seen = this.machines.filter(({ from, until }) => from <= at && at < until);
    if (lie === 'another region') return [];
    if (lie === 'another project') return seen.map((one) => ({ ...one, id: `${one.id}-x`, tag: 'Default' }));
    if (lie === 'another project with a cluster of the same name')
      return seen.map((one) => ({ ...one, id: `${one.id}-x` }));
    return seen;
  }

  #hosts(all: readonly MachineModel[], params: Call<unknown>['params'], lie: Lie | undefined): object {
    const id = params['UHostIds.0'];
    const asked = id === undefined ? all : all.filter((one) => one.id === id);
    const told = this.#toldOf(asked, lie);
    return {
      TotalCount: lie === 'half pages with the true count' ? asked.length : told.length,
      // All of them fit on one page.
      UHostSet:
        params['Offset'] === 0 ? told.map((one) => hostOf(lie === 'marks left out' ? { ...one, tag: '' } : one)) : [],
    };
  }

  #toldOf(asked: readonly MachineModel[], lie: Lie | undefined): readonly MachineModel[] {
    if (lie === 'empty lists') return [];
    if (lie === 'lists without one machine') return asked.filter(({ id }) => id !== this.machines[0]?.id);
    const isHalf = lie === 'half pages' || lie === 'half pages with the true count';
    return isHalf ? asked.filter(() => this.#chance() < 0.5) : asked;
  }
}

/** Longer than any list of this cloud is known to lag. */
const staleBy = 90_000;

const failures = {
  throttled: 'throttled',
  unavailable: 'unavailable',
  'timed out although done': 'unknown',
  'expired keys': 'denied',
} as const;

function addresses(machines: readonly MachineModel[], params: Call<unknown>['params']): object {
  const asked = params['ObjectId'] === undefined ? machines : machines.filter(({ id }) => id === params['ObjectId']);
  const set = asked.map(({ id, name, ip }) => ({
    PrivateIP: ip,
    PrivateIPType: 'PrimaryIP',
    ResourceID: id,
    ResourceName: name,
  }));
  return { TotalCount: set.length, DataSet: params['Offset'] === 0 ? set : [] };
}

function hostOf({ id, name, ip, tag }: MachineModel): object {
  return {
    UHostId: id,
    Name: name,
    Tag: tag,
    Zone: 'cn-bj2-04',
    State: 'Running',
    CPU: 2,
    Memory: 4096,
    CreateTime: 1,
    IPSet: [
      { Type: 'Private', Default: 'true', IP: ip, Mac: '52:54:00:00:00:01', SubnetId: 'subnet-1', VPCId: 'uvnet-1' },
    ],
    DiskSet: [],
  };
}
