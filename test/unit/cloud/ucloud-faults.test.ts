import { faultMatrix } from './fault-matrix.ts';

faultMatrix({ seeds: [1], step: 5 });
