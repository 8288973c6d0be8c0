import type { CloudCall, MachineAct } from '../compute.ts';
import { planCreate } from './plan-create.ts';
import { terminateParams } from './removal.ts';
import { type Params, textsOf } from './wire/sign.ts';

/** The dry run of an act: its changing calls, made by the same plans that make the real ones; what only waits or looks is left out. */
export function dryRun(act: MachineAct, zone: string): readonly CloudCall[] {
  switch (act.do) {
    case 'create': {
      const step = planCreate(act.wish, 'made when it is needed');
      if (step.do === 'refuse') return [];
      const size = Buffer.byteLength(act.wish.userData);
      const hidden = { Password: '[secret]', UserData: `[secret, ${size} bytes]` };
      return [call('CreateUHostInstance', { ...step.params, ...hidden })];
    }
    case 'start':
      return [call('StartUHostInstance', { Zone: zone, UHostId: act.id })];
    case 'remove':
      return [
        call('StopUHostInstance', { Zone: zone, UHostId: act.id }),
        call('TerminateUHostInstance', terminateParams(zone, act.id)),
      ];
  }
}

function call(action: string, params: Params): CloudCall {
  return { action, params: textsOf(params) };
}
