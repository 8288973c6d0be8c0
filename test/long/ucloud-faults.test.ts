import { faultMatrix } from '../unit/cloud/fault-matrix.ts';

faultMatrix({ seeds: [1, 2, 3, 4, 5, 6, 7, 8, 9], step: 1 });
