/** A walk without a lock, and everything that pulls its tables away or changes them. */

import type { MmId, Vpn } from '../../../core/base/units.js';
import { createMm, destroyMm } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { endSpace, makeSpace, spaceOf } from '../../../core/pgtable/space.js';
import { NOT_MAPPED, walk } from '../../../core/pgtable/walk.js';
import { rcuReadLock, rcuReadUnlock } from '../../../core/rcu/reader.js';
import type { Scenario } from '../../model/scenario.js';
import { orRefused } from './actors.js';
import { MODEL_FORMAT } from './forms.js';
import { collapses, judged, mapPage, maps, treeScenario, unmapAll, unmaps, walks } from './tree.js';

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

/** A word of the scenario's own: 1 while the space may be walked. */
const THERE = 1;

const exitVsWalk = treeScenario({
  name: 'exit-vs-walk+outsider',
  about: 'A space ends, and its record serves the next, while an outsider still walks in it.',
  rules: ['T1', 'T3', 'P5', 'H1', 'H6'],
  mustSee: ['walk: 16', 'walk: nothing', 'destroy: done', 'create: done', 'create: no room'],
  threads: 2,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const space = by(one);
    const there = world.kit.own(THERE);
    one.mem.store(there, 1);
    const walksIfThere = (): string => {
      rcuReadLock(two);
      const found = two.mem.load(there) === 1 ? walk(by(two), 0 as Vpn) : NOT_MAPPED;
      rcuReadUnlock(two);
      return judged(found, [16, -1]);
    };
    return [
      [
        (): void => one.mem.store(there, 0),
        (): void => unmapAll(space),
        orRefused('destroy', () => {
          endSpace(space);
          destroyMm(one, space.mm);
        }),
        world.serve(one, one),
        orRefused('create', () => nextSpace(one)),
      ],
      [walksIfThere],
    ];
  },
});

/** Another mm, in the record that is free again, with the same page mapped to another frame. */
function nextSpace(thread: Thread): MmId {
  const next = spaceOf(thread, MODEL_FORMAT, createMm(thread));
  makeSpace(next);
  mapPage(next, 0, 9);
  return next.mm;
}

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
