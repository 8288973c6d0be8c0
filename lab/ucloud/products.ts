import type { WorldCaller } from './engine/world-caller.ts';
import type { Desk } from './gateway/desk.ts';
import type { GatewayState } from './gateway/state.ts';
import { label } from './label/label.ts';
import { sts } from './sts/sts.ts';
import { uaccount } from './uaccount/uaccount.ts';
import { udisk } from './udisk/udisk.ts';
import { ufs } from './ufs/ufs.ts';
import { uhost } from './uhost/uhost.ts';
import { ulb } from './ulb/ulb.ts';
import { unet } from './unet/unet.ts';
import { vpc } from './vpc/vpc.ts';

/** Every product that the simulated cloud has: this list is the only place that names them all. */
export const products = [uhost, vpc, unet, ulb, udisk, ufs, label, sts, uaccount] as const;

type Products = (typeof products)[number];
type All<Union> = (Union extends unknown ? (one: Union) => void : never) extends (all: infer Each) => void
  ? Each
  : never;

/** Everything the simulated cloud knows, as one JSON value: written down by `snapshot`, handed back to `createUcloud`. */
export type State = GatewayState & All<ReturnType<Products['newState']>>;

/** All that the cloud does to the world, by what it is about. */
export type Works = All<ReturnType<Products['work']>>;

type WorldOf<Product> = Product extends { readonly work: (place: infer Place) => unknown }
  ? Place extends { readonly caller: WorldCaller<infer World> }
    ? World
    : never
  : never;
/** What the simulated cloud does to the world when its API says that something happened. */
export type World = All<WorldOf<Products>>;

/** What a remembering world tells. */
export type Remembered = All<ReturnType<Products['remember']>>;

/** What an action may read and touch. */
export type Cloud = Desk<State> & Works;
