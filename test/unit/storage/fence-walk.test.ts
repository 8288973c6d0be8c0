import { seconds } from '#unit/clock.ts';
import { fenceWalk, guessWalk } from '../../support/fence-walk.ts';

// `npm run test:long storage` has 10,000 of them.
fenceWalk(500, seconds(60));
guessWalk(seconds(60));
