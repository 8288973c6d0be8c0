import { createScript, type Script } from './engine/script.ts';
import { products, type Remembered, type World } from './products.ts';

/**
 * A world for tests of the API alone: it remembers what it was told and moves no packet and boots nothing. It refuses what
 * the real one could not do, so that a call out of order is found.
 */
export type RememberingWorld = World & Remembered & Pick<Script, 'told' | 'failAt' | 'hold' | 'release'>;

export function createRememberingWorld(): RememberingWorld {
  const script = createScript();
  const world: object = {};
  for (const product of products) Object.assign(world, product.remember(script, world));
  return Object.assign(world as World & Remembered, script);
}
