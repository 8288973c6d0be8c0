import { fencingSuite } from '../../support/fencing-suite.ts';

fencingSuite(3);
