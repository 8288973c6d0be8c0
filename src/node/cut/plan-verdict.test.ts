import { expect, test } from 'vitest';
import { ms, seconds } from '#unit/clock.ts';
import { type Look, planVerdict, type SilentSeen, type Verdict } from './plan-verdict.ts';

/** One of five machines of the site, of which nobody has said anything for a minute. */
const silent: SilentSeen = {
  ground: 'site',
  isSilent: true,
  looks: [],
  witnesses: 1,
  toldFor: ms(0),
  answersController: undefined,
  site: { machines: 5, silent: 1 },
  untoldFor: seconds(60),
};
const sees = (by: string, age = 5): Look => ({ by, sees: true, age: seconds(age) });
const misses = (by: string, age = 5): Look => ({ by, sees: false, age: seconds(age) });

const usual: Verdict = { is: 'usual' };
const seenBy = (who: string): Verdict => ({
  is: 'cut',
  why: 'SeenByNeighbours',
  says: `${who} of the site can reach it, so it is cut off and not dead`,
});
const seenFromCloud: Verdict = {
  is: 'cut',
  why: 'SeenFromCloud',
  says: 'the machine answers over the line, so it is not dead: look at its kubelet',
};
const lineCut = (machines: number): Verdict => ({
  is: 'cut',
  why: 'LineCut',
  says: `none of the ${machines} machines of the site is heard: the line is cut`,
});
const onlyOne: Verdict = {
  is: 'cut',
  why: 'LineCut',
  says: 'the only machine of the site is not heard and nobody beside it can say more: the line is taken for cut',
};
const mostSilent = (silent: number, machines: number): Verdict => ({
  is: 'cut',
  why: 'MostSilent',
  says: `${silent} of ${machines} machines of the site are not heard: that is taken for a cut within the site, not for so many deaths`,
});
const dead = (who: string): Verdict => ({
  is: 'dead',
  why: 'MachineDead',
  says: `it answers none of its neighbours that are heard (${who}): its pods are started elsewhere`,
});
const untold = (judging: boolean): Verdict => ({
  is: 'untold',
  judging,
  why: 'NobodyLooked',
  says: 'no neighbour has said whether it can reach it: its pods go when their tolerations end',
});
const site = (silent: number, machines: number) => ({ site: { machines, silent } });

test.each<[string, Partial<SilentSeen>, Verdict]>([
  ['a machine that is heard, whatever others say', { isSilent: false, looks: [misses('base-2')] }, usual],
  ['a machine that is heard while all others are silent', { isSilent: false, ...site(4, 5) }, usual],
  ['a silent cloud node: the cloud answers for its machine', { ground: 'cloud', looks: [misses('base-2')] }, usual],
  ['cloud nodes cut off from a control plane on the site', { ground: 'cloud', ...site(0, 5) }, usual],

  ['the whole site silent', site(5, 5), lineCut(5)],
  ['the whole site silent, the controller gets no answer', { ...site(5, 5), answersController: false }, lineCut(5)],
  ['the whole site silent, looks from before', { ...site(5, 5), looks: [misses('base-2')] }, lineCut(5)],
  ['both machines of a site of two', site(2, 2), lineCut(2)],
  ['the only machine of a site', site(1, 1), onlyOne],
  [
    'the only machine of a site, which answers the controller',
    { ...site(1, 1), answersController: true },
    seenFromCloud,
  ],

  ['a neighbour sees it', { looks: [sees('base-2')] }, seenBy('base-2')],
  [
    'one of three neighbours sees it',
    { looks: [misses('base-2'), sees('base-3'), misses('base-4')] },
    seenBy('base-3'),
  ],
  ['two see it', { looks: [sees('base-4'), sees('base-3')] }, seenBy('base-3, base-4')],
  [
    'a neighbour sees it while half of the site is silent',
    { ...site(3, 5), looks: [sees('base-2')] },
    seenBy('base-2'),
  ],
  [
    'a neighbour that was heard a moment ago saw it, then all fell silent',
    { ...site(5, 5), looks: [sees('base-2')] },
    seenBy('base-2'),
  ],
  [
    'no neighbour sees it, but it answers the controller',
    { looks: [misses('base-2')], answersController: true },
    seenFromCloud,
  ],

  ['no neighbour sees it', { looks: [misses('base-3'), misses('base-2')] }, dead('base-2, base-3')],
  ['one neighbour told, and does not see it', { looks: [misses('base-2')] }, dead('base-2')],
  [
    'one of two neighbours told a moment ago and does not see it: the other one may',
    { looks: [misses('base-2')], witnesses: 2, toldFor: ms(9_999) },
    untold(true),
  ],
  ['the other one has had its time', { looks: [misses('base-2')], witnesses: 2, toldFor: seconds(10) }, dead('base-2')],
  [
    'the other one told the same',
    { looks: [misses('base-2'), misses('base-3')], witnesses: 2 },
    dead('base-2, base-3'),
  ],
  ['the other one sees it', { looks: [misses('base-2'), sees('base-3')], witnesses: 2 }, seenBy('base-3')],
  [
    'half of the neighbours told while half of the site is silent',
    { ...site(2, 4), looks: [misses('base-2')], witnesses: 2 },
    mostSilent(2, 4),
  ],
  [
    'the same, and it does not answer the controller',
    { looks: [misses('base-2')], answersController: false },
    dead('base-2'),
  ],
  ['one of two machines, which the other does not see', { ...site(1, 2), looks: [misses('base-2')] }, dead('base-2')],
  ['two of five, seen by none', { ...site(2, 5), looks: [misses('base-2')] }, dead('base-2')],
  ['two of four, seen by none', { ...site(2, 4), looks: [misses('base-2')] }, mostSilent(2, 4)],
  ['three of five, seen by none', { ...site(3, 5), looks: [misses('base-2')] }, mostSilent(3, 5)],
  ['three of four, of which nobody has told', site(3, 4), mostSilent(3, 4)],

  ['nobody has told for long', {}, untold(false)],
  ['nobody has told yet: the others may fall silent too', { untoldFor: ms(29_999) }, untold(true)],
  ['nobody has told in the time that it takes', { untoldFor: seconds(30) }, untold(false)],
  ['the other one of two has told nothing', { ...site(1, 2) }, untold(false)],
  ['a look that just holds', { looks: [misses('base-2', 45)] }, dead('base-2')],
  ['a look that is too old', { looks: [{ ...misses('base-2'), age: ms(45_001) }] }, untold(false)],
  [
    'an old one that sees it, and a new one that does not',
    { looks: [sees('base-2', 46), misses('base-3')] },
    dead('base-3'),
  ],
])('%s', (_title, seen, verdict) => {
  expect(planVerdict({ ...silent, ...seen })).toEqual(verdict);
});
