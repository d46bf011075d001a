/**
 * A large frame that becomes small pages again, while others walk to them, split it too, or unmap
 * one of its pages.
 */
import { InvariantError } from '../../../core/base/errors.js';
import type { Vpn, Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { depositTable, isLarge, split, withdrawTable } from '../../../core/pgtable/collapse.js';
import type { Prot } from '../../../core/pgtable/format.js';
import { unmapStep } from '../../../core/pgtable/map.js';
import type { Space } from '../../../core/pgtable/space.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { collapses, maps, must, mustNot, PROT, treeScenario, unmaps, walks } from './tree.js';

/** Pages 0 and 1 are one large frame from here on. */
const LARGE_FRAME = 32;

export function makeLarge(space: Space, prot: Prot = PROT): void {
  collapses(space, 0, LARGE_FRAME, prot)([]);
}

/** Splits the large frame, or finds that it is none any more. */
function splitPages(space: Space, page = 0): string {
  const deposited = depositTable(space);
  if (deposited === null) throw new InvariantError('T1', 'no table is left for a split');
  if (split(space, page as Vpn, deposited)) return 'split';
  withdrawTable(space, deposited);
  return 'nothing to split';
}

export const splits =
  (space: Space): Operation =>
  () =>
    splitPages(space);

const walkVsSplit = treeScenario({
  name: 'walk-vs-split+one-table',
  about: 'A large frame becomes small pages while another walks to one of them.',
  rules: ['T1', 'T2', 'T3'],
  mustSee: ['split', 'walk: 33', 'large', 'small'],
  threads: 2,
  pages: 4,
  mapped: [0, 1],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    makeLarge(space);
    const asks = (): string => (isLarge(by(two), 1 as Vpn) ? 'large' : 'small');
    // Never nothing, and no other frame: the small pages are there before they are linked, in one
    // store (where it takes more: words.ts).
    return [[splits(by(one))], [asks, walks(by(two), 1, [33])]];
  },
  atEnd: ({ space }) => {
    // There is no table above page 4 at all.
    const isSplit = splitPages(space, 4) === 'split';
    const nothing = isSplit ? { rule: 'T1', detail: 'what was split was never mapped' } : null;
    return [must(space, 0, 32), must(space, 1, 33), nothing];
  },
});

const splitVsSplit = treeScenario({
  name: 'split-vs-split+one-frame',
  about: 'Two split one large frame: one does, and the other has its table back.',
  rules: ['T1', 'T2', 'P6'],
  mustSee: ['split', 'nothing to split'],
  threads: 2,
  pages: 4,
  mapped: [0, 1],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    makeLarge(space);
    const deposited = depositTable(space) as Word;
    const splitsWith = (): string => {
      if (split(by(two), 0 as Vpn, deposited)) return 'split';
      withdrawTable(by(two), deposited);
      return 'nothing to split';
    };
    return [[splits(by(one))], [splitsWith]];
  },
  atEnd: ({ space }) => [must(space, 0, 32), must(space, 1, 33)],
});

/** Unmaps page 0, and splits the frame that it is a part of first. */
function unmapsPart(space: Space): Operation {
  return () => {
    const first = unmapStep(space, 0 as Vpn, 1);
    if (first.kind !== 'large') return 'unmap: done';
    splitPages(space);
    unmapStep(space, 0 as Vpn, 1);
    return 'unmap: split';
  };
}

const unmapVsCollapse = treeScenario({
  name: 'split-vs-walk+unmapped-part',
  about: 'A page of a large frame is unmapped, and another walks to the page beside it.',
  rules: ['T2', 'T3'],
  mustSee: ['unmap: split', 'walk: 33'],
  threads: 2,
  pages: 4,
  mapped: [0, 1],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    makeLarge(space);
    return [[unmapsPart(by(one))], [walks(by(two), 1, [33])]];
  },
  atEnd: ({ space }) => [mustNot(space, 0), must(space, 1, 33)],
});

/** Its section keeps the upper table, in which it looks, from being used again. */
const looksVsUnmap = treeScenario({
  name: 'look-vs-unmap+table-above',
  about:
    'One looks for a large frame while the table that it looks in is taken out and used again.',
  rules: ['T1', 'P2', 'H6'],
  mustSee: ['small', 'callbacks 2', 'map: done'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const asks = (): string => (isLarge(by(two), 0 as Vpn) ? 'large' : 'small');
    const serves = world.serve(one, one);
    return [[unmaps(by(one), 0), serves, serves, maps(by(one), 4, 9)], [asks]];
  },
});

export const SPLIT_SCENARIOS: readonly Scenario[] = [
  walkVsSplit,
  splitVsSplit,
  unmapVsCollapse,
  looksVsUnmap,
];
