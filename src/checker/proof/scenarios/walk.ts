/** A walk without a lock, and everything that pulls its tables away or changes them. */

import { createMm } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { endSpace, makeSpace, spaceOf } from '../../../core/pgtable/space.js';
import type { Scenario } from '../../model/scenario.js';
import { orRefused } from './actors.js';
import { MODEL_FORMAT } from './forms.js';
import { collapses, mapPage, maps, treeScenario, unmapAll, unmaps, walks } from './tree.js';

const walkVsUnmap = treeScenario({
  name: 'walk-vs-unmap+last-page',
  about:
    'The last page of a table is unmapped, and the table used again, while another walks to it.',
  rules: ['T1', 'T3', 'P2', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'callbacks 2', 'map: done'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [
      [unmaps(by(one), 0), world.serve(one, one), world.serve(one, one), maps(by(one), 4, 9)],
      [walks(by(two), 0, [16, -1])],
    ];
  },
});

const walkVsCollapse = treeScenario({
  name: 'walk-vs-collapse+one-table',
  about: 'Two pages become one large frame while another walks to one of them.',
  rules: ['T1', 'T3', 'P2', 'P8', 'H5'],
  mustSee: ['walk: 17', 'walk: 33', 'collapsed', 'callbacks 1'],
  threads: 2,
  mapped: [0, 1, 2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [
      [collapses(by(one), 0, 32), world.serve(one, one), maps(by(one), 4, 9)],
      // Never nothing: the entry above goes from the one to the other in one store.
      [walks(by(two), 1, [17, 33])],
    ];
  },
});

const freedEarly = treeScenario({
  name: 'walk-vs-unmap+two-writers',
  about: 'A table that is taken out serves another page as soon as it may, by another thread.',
  rules: ['T1', 'T3', 'P2', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'callbacks 1', 'map: done'],
  threads: 2,
  mapped: [0, 2],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [
      [unmaps(by(one), 0)],
      [world.serve(two, one), maps(by(two), 4, 9), walks(by(two), 0, [16, -1])],
    ];
  },
});

const exitVsWalk = treeScenario({
  name: 'exit-vs-walk+tables',
  about: 'A space ends, and its tables serve another, while an outsider still walks in it.',
  rules: ['T1', 'T3', 'H1', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'end: done'],
  threads: 2,
  mms: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const space = by(one);
    const next = spaceOf(one, MODEL_FORMAT, createMm(one));
    return [
      [
        (): void => unmapAll(space),
        orRefused('end', () => endSpace(space)),
        world.serve(one, one),
        (): void => {
          if (makeSpace(next)) mapPage(next, 0, 9);
        },
      ],
      [walks(by(two), 0, [16, -1])],
    ];
  },
});

const torn = treeScenario({
  name: 'walk-vs-remap+two-words',
  about: 'A page is unmapped, and mapped to another frame, while another reads its entry.',
  rules: ['T2', 'T3'],
  mustSee: ['walk: 16', 'walk: 9', 'walk: nothing'],
  threads: 2,
  mapped: [0, 1],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[unmaps(by(one), 0), maps(by(one), 0, 9)], [walks(by(two), 0, [16, 9, -1])]];
  },
});

export const WALK_SCENARIOS: readonly Scenario[] = [
  walkVsUnmap,
  freedEarly,
  walkVsCollapse,
  exitVsWalk,
  torn,
];
