/**
 * Debug heaps: free memory is poisoned when nobody can be in it any more, looked at under the lock,
 * and a write after a free is one caller's error and breaks nothing (U1).
 */
import { UsageError } from '../../../core/base/errors.js';
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import { createMm } from '../../../core/frag/mm.js';
import { headerWord, type Kind, type Thread } from '../../../core/mem/heap.js';
import { HEAP } from '../../../core/mem/layout.js';
import { beginGrace } from '../../../core/rcu/grace-period.js';
import type { Operation } from '../../model/program.js';
import type { Finding, Scenario } from '../../model/scenario.js';
import type { KitOptions } from '../kit.js';
import { heapScenario, orRefused, statesOf, type World } from './actors.js';

/** A block of data: it may be full when it is freed. */
const BLOCK: Kind = {
  name: 'block',
  fragmentWords: 4,
  perPage: 4,
  order: 0,
  emptyEven: 0,
  emptyOdd: 0,
  entryWords: 0,
  residueEven: 0,
  residueOdd: 0,
};

const BLOCKS: KitOptions = { threads: 2, pages: 1, perPage: 4, kinds: [BLOCK], debug: true };

type Two = readonly [Thread, Thread];

const readerVsPoison = heapScenario({
  name: 'reader-vs-poison+block',
  about: 'A block is freed, as C or N, and poisoned once no reader is in it.',
  rules: ['P2', 'P10', 'U1'],
  mustSee: ['callbacks 1', 'reader found a table', 'CAAF', 'FAAF'],
  kit: BLOCKS,
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const tables = world.takePage(4) as [Word, Word, Word, Word];
    const slot = kit.own(0);
    kit.heap.mem.store(slot, tables[0]);
    world.free(one, tables[2]);
    beginGrace(kit.heap);
    return {
      threads: [
        [world.retract(one, slot), world.serve(one, one), world.serve(one, one)],
        [world.readThrough(two, slot)],
      ],
      atEnd: () => {
        see(statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

const allocVsPoison = heapScenario({
  name: 'alloc-vs-poison+one-page',
  about: 'A table is handed out of a page of which a callback poisons another: empty, as always.',
  rules: ['P2', 'P4', 'H4', 'U1'],
  mustSee: ['callbacks 1', 'FFAA', 'AFAF'],
  kit: { threads: 2, pages: 1, perPage: 4, debug: true },
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    const table = world.takeOne(one);
    const { mem } = kit.heap;
    for (let i = 2; i < kit.fragmentWords; i++) {
      mem.poke(at(table, i), mem.peek(at(table, i & 1)));
    }
    return {
      threads: [
        [world.take(one), world.take(one)],
        [world.drop(two, table), world.serve(two, two)],
      ],
      atEnd: () => {
        see(statesOf(kit, table));
        return [];
      },
    };
  },
});

/** In words that no node is in, and in those where one would be in a heap without debug. */
function writeVsAllocs(name: string, word: number): Scenario {
  return heapScenario({
    name,
    about: 'A block was written after its free: one of two callers is told, and both get blocks.',
    rules: ['U1', 'P1', 'L1'],
    mustSee: ['take: write-after-free', 'take: done'],
    kit: BLOCKS,
    play: (world) => {
      const { mem } = world.kit.heap;
      const [one, two] = world.threads as Two;
      const tables = world.takePage(4) as [Word, Word, Word, Word];
      for (const index of [1, 2]) world.free(two, tables[index] as Word);
      world.serveAll(two);
      mem.poke(at(tables[1], word), 77);
      const take = (thread: Thread): Operation => orRefused('take', () => world.take(thread)([]));
      return {
        threads: [
          [take(one), take(one)],
          [take(two), take(two)],
        ],
        atEnd: (results) => [toldOnce(results.flat())],
      };
    },
  });
}

const writeVsNewPage = heapScenario({
  name: 'write-vs-alloc-vs-alloc+new-page',
  about: 'A page was written that nobody took yet: one of two callers is told, and it comes back.',
  rules: ['U1', 'P3', 'P6'],
  mustSee: ['take: write-after-free', 'take: done'],
  kit: BLOCKS,
  play: (world) => {
    const { heap, fragmentWords } = world.kit;
    const [one, two] = world.threads as Two;
    heap.mem.poke(at(heap.pagesAt, 2 * fragmentWords + 1), 77);
    const takeAndFree = (thread: Thread): Operation =>
      orRefused('take', () => {
        const table = world.take(thread)([]) as Word | null;
        if (table !== null) world.free(thread, table);
      });
    return {
      threads: [[takeAndFree(one)], [takeAndFree(two)]],
      atEnd: (results) => [toldOnce(results.flat())],
    };
  },
});

const destroyVsNewPage = heapScenario({
  name: 'alloc-vs-destroy+new-page',
  about: 'A new page is taken for an mm that ends meanwhile: it goes back as poison.',
  rules: ['U1', 'X9', 'P6'],
  mustSee: ['take: done', 'take: mm-not-live', 'destroy: done', 'the page was taken'],
  kit: BLOCKS,
  play: (world) => {
    const { kit, see } = world;
    const [one, two] = world.threads as Two;
    return {
      threads: [
        [orRefused('take', () => world.take(one)([]))],
        [orRefused('destroy', () => world.destroy(two))],
      ],
      atEnd: ([took]) => {
        const isTaken = kit.heap.mem.peek(headerWord(HEAP.BLOCKS_TAKEN)) > 0;
        if (isTaken && took?.[0] === 'take: mm-not-live') see('the page was taken');
        return [];
      },
    };
  },
});

/** As soon as the page is back, all of its words are another's. */
const destroyVsNextTaker = heapScenario({
  name: 'alloc-vs-destroy+page-taken-again',
  about: 'The page of an mm that ended meanwhile goes back, and another mm takes it at once.',
  rules: ['U1', 'P3', 'P6'],
  mustSee: ['take: done', 'take: mm-not-live', 'destroy: done', 'next has it'],
  kit: { ...BLOCKS, mms: 2 },
  play: (world) => {
    const [one, two] = world.threads as Two;
    const next = createMm(one);
    const takesNext = (): string =>
      world.take(two, next)([]) === null ? 'next has none' : 'next has it';
    return {
      threads: [
        [orRefused('take', () => world.take(one)([]))],
        [orRefused('destroy', () => world.destroy(two)), takesNext],
      ],
    };
  },
});

function toldOnce(results: readonly unknown[]): Finding | null {
  const told = results.filter((result) => result === 'take: write-after-free').length;
  return told === 1 ? null : { rule: 'U1', detail: `${told} callers were told of one write` };
}

const freeVsFreeTwice = heapScenario({
  name: 'free-vs-free+same-block',
  about: 'Two threads free one block: the second is told that the first did.',
  rules: ['U1', 'X9', 'P6'],
  mustSee: ['thread 0 was told of thread 1', 'thread 1 was told of thread 0'],
  kit: BLOCKS,
  play: (world) => {
    const [one, two] = world.threads as Two;
    const [, block] = world.takePage(2) as [Word, Word];
    return { threads: [[freeOrTold(world, one, block)], [freeOrTold(world, two, block)]] };
  },
});

function freeOrTold(world: World, thread: Thread, block: Word): Operation {
  return () => {
    try {
      world.free(thread, block);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      const by = /; (thread \d+) freed what lay there last$/.exec(error.message)?.[1];
      return `thread ${thread.id} was told of ${by}`;
    }
    return 'freed';
  };
}

export const POISON_SCENARIOS: readonly Scenario[] = [
  readerVsPoison,
  allocVsPoison,
  writeVsAllocs('write-vs-alloc-vs-alloc+first-word', 0),
  writeVsAllocs('write-vs-alloc-vs-alloc+last-word', 3),
  writeVsNewPage,
  destroyVsNewPage,
  destroyVsNextTaker,
  freeVsFreeTwice,
];
