import { minutes } from '#unit/clock.ts';
import { falseAnswers } from '../../support/false-answers.ts';

falseAnswers(10_000, minutes(60));
