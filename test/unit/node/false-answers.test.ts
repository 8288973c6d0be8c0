import { minutes } from '#unit/clock.ts';
import { falseAnswers, firstNotFound } from '../../support/false-answers.ts';

// `npm run test:long node` has 10,000 of them.
falseAnswers(30, minutes(1));
firstNotFound(minutes(1));
