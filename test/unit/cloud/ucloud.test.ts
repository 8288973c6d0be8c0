import { cloudContract } from '../../../src/cloud/contract/contract.ts';
import { openUcloud } from './ucloud-world.ts';

cloudContract('ucloud', openUcloud);
