import { minutes } from '#unit/clock.ts';
import { fenceWalk } from '../../support/fence-walk.ts';

fenceWalk(10_000, minutes(20));
