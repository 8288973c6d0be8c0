import { expect, test } from 'vitest';
import { explainWatchers } from './watch-limit.ts';

test('a computer with few file watchers is told of before machines fail for want of them', () => {
  expect(explainWatchers(128, 2)).toContain('about 97;');
  expect(explainWatchers(128, 2)).toContain('sysctl -w fs.inotify.max_user_instances=1024');
});

test('a computer with enough of them is not', () => {
  expect(explainWatchers(1024, 2)).toBeUndefined();
});
