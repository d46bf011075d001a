/**
 * Readers, which take no lock, against everything that could pull a table away under them.
 *
 * A reader goes through a slot that links a table, and looks at all its words by plain accesses. A
 * table that is written too early, with a list node (H3), by filling a page or by its next owner,
 * is a data race with that; and where the reader finds other words, they are wrong (P2).
 */
import type { Word } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { attachThread } from '../../../core/rcu/attach.js';
import { advanceGrace, beginGrace } from '../../../core/rcu/grace-period.js';
import type { KitOptions } from '../kit.js';
import {
  type CoreScenario,
  coreScenario,
  freePages,
  link,
  stateOf,
  statesOf,
  type World,
} from './actors.js';

/** Tables of one page, one of them linked from slot 0. */
function linkedPage(world: World, count: number, linked = 0): { slot: Word; tables: Word[] } {
  const tables = world.takePage(count);
  const slot = world.kit.own(0);
  world.kit.heap.mem.store(slot, tables[linked] as Word);
  return { slot, tables };
}

function reuse(
  name: string,
  kit: KitOptions,
  tables: number,
  rules: readonly string[],
): CoreScenario {
  return coreScenario({
    name,
    about: 'A table is unlinked, freed, and handed out again, while a reader may be in it.',
    rules,
    mustSee: ['callbacks 1', 'linked', 'reader found a table', 'reader found nothing'],
    kit,
    play: (world) => {
      const [one, two] = world.threads as [Thread, Thread];
      const { slot } = linkedPage(world, tables);
      return {
        threads: [
          [
            world.retract(one, slot),
            world.serve(one, one),
            world.serve(one, one),
            world.take(one),
            link(one, slot, 3),
          ],
          [world.readThrough(two, slot), world.readThrough(two, slot)],
        ],
      };
    },
  });
}

/** The writer only frees and lists; the reader must not find the list node. */
const listNode = coreScenario({
  name: 'reader-vs-callback+list-node',
  about: 'The callback lists the page by the very fragment that a reader may still be in.',
  rules: ['P2', 'H3', 'P4'],
  mustSee: ['callbacks 1', 'callbacks 0', 'reader found a table', 'FA', 'CA'],
  kit: { threads: 3, pages: 1 },
  play: (world) => {
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const { slot, tables } = linkedPage(world, 2);
    return {
      threads: [
        [world.retract(one, slot), world.serve(one, one)],
        [world.readThrough(two, slot)],
        [world.serve(three, one)],
      ],
      atEnd: () => {
        world.see(statesOf(world.kit, tables[0] as Word));
        return [];
      },
    };
  },
});

/**
 * Joining: one table waits for a grace period that may begin at any moment; the other, with a
 * reader in it, is freed, and joins it only if it has not.
 */
function joining(name: string, perPage: number, linked: number, freed: number): CoreScenario {
  return coreScenario({
    name,
    about: 'A free joins the pending grace period only if it has surely not begun.',
    rules: ['P10', 'P2', 'P3', 'H7'],
    mustSee: ({ joins }) => [
      ...(joins ? ['joined', 'waits for the next', 'page taken again'] : ['callbacks 1']),
      'reader found a table',
    ],
    kit: { threads: 3, pages: 1, perPage },
    play: (world) => {
      const { kit, see } = world;
      const [one, two, three] = world.threads as [Thread, Thread, Thread];
      const { slot, tables } = linkedPage(world, perPage, linked);
      tables.forEach((table, index) => {
        if (index !== linked && index !== freed) world.free(one, table);
      });
      for (let round = 0; round < 3; round++) world.serve(one, one)([]);
      world.free(three, tables[freed] as Word);
      const table = tables[linked] as Word;
      const first = Math.min(...tables) as Word;
      const watch = (): string => {
        return stateOf(kit, table) === 'N' ? 'waits for the next' : 'joined';
      };
      return {
        threads: [
          [world.retract(one, slot)],
          [world.readThrough(two, slot)],
          [world.serve(three, three), world.take(three)],
        ],
        atEnd: (results) => {
          if (freePages(kit) === 0 && results[2]?.[1] === null) see(watch());
          if (results[2]?.[1] === first) see('page taken again');
          return [];
        },
      };
    },
  });
}

/** A reader that attaches late is in no scan that began before; it must find nothing old. */
const lateReader = coreScenario({
  name: 'attach-vs-grace+late-reader',
  about: 'A thread attaches and reads while the scan for the end of a grace period is under way.',
  rules: ['G1', 'P2'],
  mustSee: ['callbacks 1', 'reader found a table', 'reader found nothing'],
  kit: { threads: 2, pages: 1, spareThreads: 1 },
  play: (world) => {
    const { kit } = world;
    const [one] = world.threads as [Thread];
    const { slot } = linkedPage(world, 2);
    return {
      threads: [
        [world.retract(one, slot), world.serve(one, one), world.take(one)],
        [
          (): Thread => attachThread(kit.heap, 'epoch', kit.lockWaits),
          (results) => world.readThrough(results[0] as Thread, slot)([]),
        ],
      ],
    };
  },
});

const twoTables = coreScenario({
  name: 'reader-vs-free+sibling',
  about: 'A reader in one fragment is not disturbed by what happens to another of the page.',
  rules: ['P2', 'H7', 'P3'],
  mustSee: ['callbacks 1', 'reader found a table', 'reader found nothing', 'page returned'],
  kit: { threads: 3, pages: 1 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const { slot, tables } = linkedPage(world, 2);
    world.free(three, tables[1] as Word);
    advanceGrace(kit.heap);
    return {
      threads: [
        [world.retract(one, slot), world.serve(one, one)],
        [world.readThrough(two, slot)],
        [world.serve(three, three)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : statesOf(kit, tables[0] as Word));
        return [];
      },
    };
  },
});

/**
 * Two frees of one page at once, in different state words, and a reader in one of the tables. The
 * reader's own thread begins the grace period, so that this does not wait for it.
 */
const twoFrees = coreScenario({
  name: 'free-vs-grace+two-frees',
  about: 'Of two frees of one page the later waits for a later grace period, whoever queues.',
  rules: ['P10', 'P2', 'H7'],
  mustSee: ['callbacks 1', 'reader found a table', 'used again', 'not used again'],
  kit: { threads: 3, pages: 1, perPage: 32 },
  play: (world) => {
    const { kit, see } = world;
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const { slot, tables } = linkedPage(world, 32, 20);
    return {
      threads: [
        [world.retract(one, slot)],
        [world.drop(two, tables[0] as Word), world.serve(two, two), world.take(two)],
        [(): void => beginGrace(kit.heap), world.readThrough(three, slot)],
      ],
      atEnd: (results) => {
        see(results[1]?.[2] === tables[20] ? 'used again' : 'not used again');
        return [];
      },
    };
  },
});

const qsbrReader: KitOptions = { threads: 2, pages: 1, flavours: ['epoch', 'qsbr'] };

export const READER_SCENARIOS: readonly CoreScenario[] = [
  reuse('reader-vs-reuse+same-page', { threads: 2, pages: 1 }, 2, ['P1', 'P2', 'H3', 'H4', 'G1']),
  reuse('reader-vs-reuse+fresh-page', { threads: 2, pages: 1 }, 1, ['P2', 'P3', 'G1']),
  reuse('reader-vs-reuse+four', { threads: 2, pages: 1, perPage: 4 }, 3, ['P1', 'P2', 'H3']),
  reuse('reader-vs-reuse+two-words', { threads: 2, pages: 1, perPage: 32 }, 32, ['P1', 'P2', 'H9']),
  reuse('reader-vs-reuse+qsbr', qsbrReader, 2, ['P1', 'P2', 'G1']),
  listNode,
  joining('free-vs-grace+joining', 2, 0, 1),
  joining('free-vs-grace+joining-four', 4, 0, 3),
  joining('free-vs-grace+joining-two-words', 32, 20, 3),
  lateReader,
  twoTables,
  twoFrees,
];
