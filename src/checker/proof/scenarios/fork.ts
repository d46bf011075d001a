/** Copies of a tree, while another changes what is copied. */
import type { Vpn } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { forkStep } from '../../../core/pgtable/fork.js';
import { installTables } from '../../../core/pgtable/install.js';
import { makeSpace, spaceOf } from '../../../core/pgtable/space.js';
import { frameOf, NOT_MAPPED, walk } from '../../../core/pgtable/walk.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import { MODEL_FORMAT } from './forms.js';
import { ALL, collapses, endOf, must, READ_ONLY, treeScenario, unmaps } from './tree.js';

const forkVsUnmap = treeScenario({
  name: 'fork-vs-unmap+one-table',
  about: 'A tree is copied while a page of it is unmapped: the child has the page or it has not.',
  rules: ['T1', 'T2'],
  mustSee: ['child has the page', 'child has none'],
  threads: 2,
  mms: 2,
  pages: 6,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const child = spaceOf(one, MODEL_FORMAT, createMm(one));
    makeSpace(child);
    const forks = (): string => {
      forkStep(by(one), child, 0 as Vpn, ALL);
      return walk(child, 0 as Vpn) === NOT_MAPPED ? 'child has none' : 'child has the page';
    };
    const ends = (): readonly Finding[] => endOf(child);
    return [[forks, ends], [unmaps(by(two), 0)]];
  },
  atEnd: ({ space }, results) => [
    must(space, 1, 17, READ_ONLY),
    ...((results[0]?.[1] as readonly Finding[] | undefined) ?? []),
  ],
});

const forkVsCollapse = treeScenario({
  name: 'fork-vs-collapse+one-table',
  about: 'A tree is copied while two pages of it become one large frame: the child has either.',
  rules: ['T1', 'T2'],
  mustSee: ['child has small pages', 'child has the large one', 'collapsed'],
  threads: 2,
  mms: 2,
  pages: 8,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const child = spaceOf(one, MODEL_FORMAT, createMm(one));
    makeSpace(child);
    const forks = (): string => {
      for (let pages = 0; pages === 0; ) {
        const step = forkStep(by(one), child, 0 as Vpn, ALL);
        pages = step.kind === 'done' ? step.pages : ALL;
      }
      const frame = frameOf(walk(child, 0 as Vpn));
      if (frame === 32) return 'child has the large one';
      return frame === 16 ? 'child has small pages' : 'child has none';
    };
    return [[forks, (): readonly Finding[] => endOf(child)], [collapses(by(two), 0, 32)]];
  },
  atEnd: (_, results) => {
    const [forked, ended] = results[0] as readonly [string, readonly Finding[]];
    const found = 'the child has no page, and its parent always had it';
    return forked === 'child has none' ? [{ rule: 'T3', detail: found }, ...ended] : ended;
  },
});

const forkVsFault = treeScenario({
  name: 'fork-vs-fault+hole',
  about: 'A part of a tree in which nothing is mapped is copied while a table is linked there.',
  rules: ['T1', 'T2', 'P6'],
  mustSee: ['forked 0 of 2', 'ready'],
  threads: 2,
  mms: 2,
  pages: 6,
  mapped: [2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const child = spaceOf(one, MODEL_FORMAT, createMm(one));
    makeSpace(child);
    const forks = (): string => {
      const step = forkStep(by(one), child, 0 as Vpn, 2);
      return step.kind === 'done' ? `forked ${step.changed} of ${step.pages}` : step.kind;
    };
    const ends = (): readonly Finding[] => endOf(child);
    return [[forks, ends], [(): string => installTables(by(two), 0 as Vpn, 0)]];
  },
  atEnd: ({ space }, results) => [
    must(space, 2, 18),
    ...((results[0]?.[1] as readonly Finding[] | undefined) ?? []),
  ],
});

export const FORK_SCENARIOS: readonly Scenario[] = [forkVsUnmap, forkVsCollapse, forkVsFault];
