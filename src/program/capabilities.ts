import { balancer } from '#balancer/capability.ts';
import { burst } from '#burst/capability.ts';
import type { Capability } from '#capability/capability.ts';
import { ingress } from '#ingress/capability.ts';
import { network } from '#network/capability.ts';
import { node } from '#node/capability.ts';
import { storage } from '#storage/capability.ts';

/** Every capability of the product, as the operator's program knows them. */
export const capabilities: readonly Capability[] = [network, node, balancer, ingress, storage, burst];
