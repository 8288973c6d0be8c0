import { minutes } from '#unit/clock.ts';
import { rangeWalk } from '../../support/range-walk.ts';

rangeWalk(10_000, minutes(20));
