import { troubleSuite } from './trouble-suite.ts';

troubleSuite([1]);
