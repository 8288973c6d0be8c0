import { minutes } from '#unit/clock.ts';
import { groupLives } from '../../support/group-lives.ts';

// `npm run test:long node` has a thousand of them.
groupLives(100, minutes(2));
