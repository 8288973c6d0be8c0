import { minutes } from '#unit/clock.ts';
import { rangeWalk } from '../../support/range-walk.ts';

rangeWalk(1_000, minutes(5));
