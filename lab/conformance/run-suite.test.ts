import { expect, test } from 'vitest';
import { patternOf } from './run-suite.ts';

test('a spec that is not run is found by its name, whatever labels upstream puts between the parts', () => {
  const pattern = new RegExp(patternOf('LoadBalancers should work for type=LoadBalancer'));
  expect('[sig-network] LoadBalancers [Feature:LoadBalancer] [Slow] should work for type=LoadBalancer').toMatch(
    pattern,
  );
  expect('[sig-network] LoadBalancers should work for type=LoadBalancer [Slow]').toMatch(pattern);
  expect('[sig-network] LoadBalancers should work from pods').not.toMatch(pattern);
  expect('[sig-node] ImageVolume (new)').toMatch(new RegExp(patternOf('[sig-node] ImageVolume (new)')));
});
