/**
 * A tree that becomes deeper while others walk in it or make it deeper too; and a walk that never
 * finds a moment of rest.
 */
import type { Vpn, Word } from '../../../core/base/units.js';
import { allocTable } from '../../../core/frag/alloc.js';
import { freeTable } from '../../../core/frag/free.js';
import type { Thread } from '../../../core/mem/heap.js';
import { changeEntry, clearEntry, tableLow } from '../../../core/pgtable/entry.js';
import { LARGE, PTE } from '../../../core/pgtable/format.js';
import { installTables, isEmptyTable } from '../../../core/pgtable/install.js';
import { findTable } from '../../../core/pgtable/lock.js';
import { endSpace, entryFor, levelOf } from '../../../core/pgtable/space.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { GROWING_FORMAT } from './forms.js';
import { collapses, mapPage, maps, must, treeScenario, walks } from './tree.js';

const walkVsGrow = treeScenario({
  name: 'walk-vs-grow+root',
  about: 'A table is put above the top one while another walks from the top.',
  rules: ['T1', 'T3'],
  mustSee: ['map: done', 'walk: 16', 'walk: 20', 'walk: nothing'],
  threads: 2,
  format: GROWING_FORMAT,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    return [[maps(by(one), 4, 20)], [walks(by(two), 4, [20, -1]), walks(by(two), 0, [16])]];
  },
  atEnd: ({ space }) => [must(space, 0, 16), must(space, 4, 20)],
});

/** Only what the race is about: what comes after, the tables below, is asked of elsewhere. */
const growVsGrow = treeScenario({
  name: 'grow-vs-grow+root',
  about: 'Two put a table above the top one: one is linked, and the other is freed, empty.',
  rules: ['T1', 'T3', 'P6'],
  mustSee: ['ready'],
  threads: 2,
  format: GROWING_FORMAT,
  mapped: [0],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const grows =
      (thread: Thread): Operation =>
      () =>
        installTables(by(thread), 4 as Vpn, 2);
    return [[grows(one)], [grows(two)]];
  },
  atEnd: ({ world, space }) => {
    mapPage(space, 4, 20);
    for (const thread of world.threads) world.serveAll(thread);
    // Whoever is given the table that went finds it empty.
    const { kind } = levelOf(space.format, 2);
    const next = allocTable(space.thread, space.mm, kind) as Word;
    const isEmpty = isEmptyTable(space, 2, next);
    if (isEmpty) freeTable(space.thread, space.mm, next);
    return [
      isEmpty ? null : { rule: 'T1', detail: 'a table that was freed is not empty', word: next },
      must(space, 0, 16),
      must(space, 4, 20),
    ];
  },
});

/** As many changes as a walk tries without the lock, each between its two looks. */
const CHANGES = 4;

const walkVsWriter = treeScenario({
  name: 'walk-vs-link+no-rest',
  about: 'The entry above is another at each look: a walk ends all the same, and finds the page.',
  rules: ['T3', 'L1'],
  mustSee: ['walk: 16', 'walk: 32'],
  threads: 2,
  mapped: [0, 2],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const { mem } = one;
    const [table, other] = [0, 2].map((vpn) => findTable(space, vpn as Vpn, PTE)) as [Word, Word];
    const above = findTable(space, 0 as Vpn, LARGE) as Word;
    const entry = entryFor(space.format, LARGE, above, 0 as Vpn);
    const level = levelOf(space.format, LARGE);
    // Both tables map the first of their pages, and to one frame.
    mem.copy(other, table, 4);
    const changes = (): void => {
      for (let change = 0; change < CHANGES; change++) {
        const next = change % 2 === 0 ? other : table;
        changeEntry(one, level, entry, tableLow(level, next), level.tableHigh);
      }
    };
    return [[changes, collapses(by(one), 0, 32)], [walks(by(two), 0, [16, 32])]];
  },
  atEnd: ({ space }) => [must(space, 0, 32), must(space, 2, 16)],
});

/** Two levels, of which the upper one is changed; neither table below maps anything. */
const walkVsEnd = treeScenario({
  name: 'walk-vs-exit+no-rest',
  about: 'The entry above is another at each look, and then the space ends: a walk finds nothing.',
  rules: ['T3', 'L1'],
  mustSee: ['walk: nothing', 'ended'],
  threads: 2,
  format: GROWING_FORMAT,
  mapped: [],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    for (const page of [0, 2]) installTables(space, page as Vpn, PTE);
    const [table, other] = [0, 2].map((vpn) => findTable(space, vpn as Vpn, PTE)) as [Word, Word];
    const top = findTable(space, 0 as Vpn, LARGE) as Word;
    const level = levelOf(space.format, LARGE);
    const [first, second] = [0, 2].map((vpn) => entryFor(space.format, LARGE, top, vpn as Vpn));
    const changes = (): void => {
      for (const next of [other, table, other]) {
        changeEntry(one, level, first as Word, tableLow(level, next), level.tableHigh);
      }
      for (const entry of [first, second]) clearEntry(one, level, entry as Word);
      for (const gone of [table, other]) freeTable(one, space.mm, gone);
    };
    const ends = (): string => (endSpace(by(one)) ? 'ended' : 'not empty');
    return [[changes, ends], [walks(by(two), 0, [-1])]];
  },
});

export const GROW_SCENARIOS: readonly Scenario[] = [
  walkVsGrow,
  growVsGrow,
  walkVsWriter,
  walkVsEnd,
];
