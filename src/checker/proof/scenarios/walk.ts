/** A walk without a lock, and everything that pulls its tables away or changes them. */
import { InvariantError } from '../../../core/base/errors.js';
import type { Vpn, Word } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import type { Thread } from '../../../core/mem/heap.js';
import { release } from '../../../core/mem/lock.js';
import { highWord, lowWord } from '../../../core/pgtable/entry.js';
import { isLeaf, isTable, PTE } from '../../../core/pgtable/format.js';
import { findTable, lockTable, tableLock } from '../../../core/pgtable/lock.js';
import { mapStep, protectStep } from '../../../core/pgtable/map.js';
import {
  endSpace,
  entryFor,
  levelOf,
  makeSpace,
  type Space,
  spaceOf,
} from '../../../core/pgtable/space.js';
import type { Operation } from '../../model/program.js';
import type { Scenario } from '../../model/scenario.js';
import { orRefused } from './actors.js';
import { MODEL_FORMAT } from './forms.js';
import {
  collapses,
  mapPage,
  maps,
  READ_ONLY,
  type TreeBody,
  type TreeWorld,
  treeScenario,
  unmapAll,
  unmaps,
  walks,
} from './tree.js';

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
      // Never nothing: the entry above goes from the one to the other in one store, for the high
      // words of the two agree (where they do not: words.ts).
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

/**
 * What a processor that reads an entry of page 0 at one instant could find: its low word, and
 * between two reads of that its high word. No low word of these scenarios comes back once it is
 * gone.
 */
export function readsEntry({ space }: TreeWorld, thread: Thread, number: number = PTE): Operation {
  const { format } = space;
  const { mem } = thread;
  const level = levelOf(format, number);
  const table = findTable(space, 0 as Vpn, number) as Word;
  const entry = entryFor(format, number, table, 0 as Vpn);
  return () => {
    const low = mem.load(lowWord(entry));
    const high = mem.load(highWord(entry));
    if (mem.load(lowWord(entry)) !== low) return 'entry: changes';
    const isOfTable = isTable(level, low);
    if (!isOfTable && !isLeaf(level, low)) return 'entry: nothing';
    const prot = format.protOf(number, low);
    const whole = isOfTable ? level.tableHigh : format.leafHigh(number, 0, prot);
    if (high === whole) return isOfTable ? 'entry: a table' : `entry: allows ${prot}`;
    throw new InvariantError('T2', `an entry is half of one and half of another: ${low} ${high}`);
  };
}

function entryScenario(
  facts: Pick<TreeBody, 'name' | 'about' | 'mustSee'>,
  changes: (space: Space) => readonly Operation[],
): Scenario {
  return treeScenario({
    ...facts,
    rules: ['T2'],
    threads: 2,
    mapped: [0, 1],
    play: (tree) => {
      const [one, two] = tree.world.threads as [Thread, Thread];
      const reads = readsEntry(tree, two);
      return [changes(tree.by(one)), [reads, reads]];
    },
  });
}

const remapped = entryScenario(
  {
    name: 'cpu-vs-remap+two-words',
    about: 'A page is unmapped, and mapped without any right, while both words are read.',
    mustSee: ['entry: allows 3', 'entry: allows 0', 'entry: nothing', 'entry: changes'],
  },
  (space) => [
    unmaps(space, 0),
    (): void => {
      mapStep(space, 0 as Vpn, 1, 9 << 12, 0);
    },
  ],
);

const fresh = entryScenario(
  {
    name: 'cpu-vs-fault+two-words',
    about: 'A page is mapped in a table that is there, while both words of its entry are read.',
    mustSee: ['entry: allows 3', 'entry: nothing', 'entry: changes'],
  },
  (space) => {
    // Page 1 keeps the table.
    unmaps(space, 0)([]);
    return [maps(space, 0, 16)];
  },
);

const isProtected = entryScenario(
  {
    name: 'cpu-vs-protect+two-words',
    about: 'What a page allows changes, in both words of its entry, while both are read.',
    mustSee: ['entry: allows 3', 'entry: allows 1', 'entry: nothing', 'entry: changes'],
  },
  (space) => [
    (): void => {
      protectStep(space, 0 as Vpn, 1, READ_ONLY);
    },
  ],
);

const exitVsReuse = treeScenario({
  name: 'exit-vs-walk+two-writers',
  about:
    'A space ends, and another thread makes the next of what it left: the old one has nothing.',
  rules: ['T1', 'T3', 'H6'],
  mustSee: ['end: done', 'walk: nothing', 'made', 'out of pages'],
  threads: 2,
  mms: 2,
  mapped: [],
  play: ({ world, by }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const next = spaceOf(two, MODEL_FORMAT, createMm(two));
    // Three tables of it need three pages, and two are left.
    const makes = (): string =>
      makeSpace(next) && mapPage(next, 0, 9) === 'done' ? 'made' : 'out of pages';
    return [
      [orRefused('end', () => endSpace(by(one)))],
      [world.serve(two, one), makes, walks(by(two), 0, [-1])],
    ];
  },
});

const walkVsHolder = treeScenario({
  name: 'walk-vs-holder+locked-tables',
  about:
    'All tables on the way are locked, and stay so: a walk takes no lock, however far it goes.',
  rules: ['T3', 'L2'],
  mustSee: ['walk: 16', 'walk: nothing'],
  threads: 2,
  mapped: [0],
  play: ({ world, by, space }) => {
    const [one, two] = world.threads as [Thread, Thread];
    const locks = [0, 1, 2].map((number) =>
      tableLock(world.kit.heap, lockTable(space, 0 as Vpn, number) as Word),
    );
    const releases = (): void => {
      for (const lock of locks) release(one, lock);
    };
    // One ends in the lowest table, one in the middle one, one in the top table.
    return [[], [walks(by(two), 0, [16]), ...[2, 4].map((p) => walks(by(two), p, [-1])), releases]];
  },
});

export const WALK_SCENARIOS: readonly Scenario[] = [
  walkVsUnmap,
  freedEarly,
  walkVsCollapse,
  exitVsWalk,
  torn,
  remapped,
  fresh,
  isProtected,
  exitVsReuse,
  walkVsHolder,
];
