/**
 * The core: allocation, freeing and callbacks that meet in one page or one list.
 *
 * All with the real RCU: grace periods begin and end, and callbacks run, whenever that is allowed,
 * and the exploration tries every moment, the earliest and the latest included. What does not
 * matter to the question is done by setting up, so that the threads do only what meets.
 */
import type { Word } from '../../../core/base/units.js';
import { at } from '../../../core/base/units.js';
import type { Thread } from '../../../core/mem/heap.js';
import { advanceGrace } from '../../../core/rcu/grace-period.js';
import {
  type CoreScenario,
  coreScenario,
  distinct,
  freePages,
  stateOf,
  statesOf,
  type World,
} from './actors.js';

type Two = readonly [Thread, Thread];
type Tables = readonly [Word, Word, Word, Word];

const allocVsAlloc = coreScenario({
  name: 'alloc-vs-alloc+empty-list',
  about: 'Two threads allocate at once where no page is listed: one fresh page, or one each.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['one page', 'two pages'],
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    return {
      threads: [[world.take(one)], [world.take(two)]],
      atEnd: (results) => {
        see(freePages(kit) === 0 ? 'two pages' : 'one page');
        return [distinct(results.flat())];
      },
    };
  },
});

const allocVsAllocListed = coreScenario({
  name: 'alloc-vs-alloc+one-page',
  about: 'Two threads allocate from one listed page: different fragments, and the list is exact.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['AFAA'],
  kit: { threads: 2, pages: 1, perPage: 4 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const first = world.takeOne(one);
    return {
      threads: [[world.take(one)], [world.take(two)]],
      atEnd: (results) => {
        see(statesOf(kit, first));
        return [distinct([first, ...results.flat()])];
      },
    };
  },
});

const allocVsAllocLast = coreScenario({
  name: 'alloc-vs-alloc+last-fragment',
  about: 'Two threads want the last fragment of a page, the one with the list node: one gets it.',
  rules: ['P1', 'P4', 'H4'],
  mustSee: ['one got none'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { see, threads } = world;
    const [one, two] = threads as Two;
    const first = world.takeOne(one);
    return {
      threads: [[world.take(one)], [world.take(two)]],
      atEnd: (results) => {
        if (results.flat().includes(null)) see('one got none');
        return [distinct([first, ...results.flat()])];
      },
    };
  },
});

const allocVsFree = coreScenario({
  name: 'alloc-vs-free+last-table',
  about: 'The last table of a listed page is freed while another thread allocates from that page.',
  rules: ['P3', 'P4', 'P6'],
  mustSee: ({ rescues }) => (rescues ? ['CA'] : ['CA', 'CF']),
  kit: { threads: 2, pages: 2 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const first = world.takeOne(one);
    return {
      threads: [[world.drop(one, first)], [world.take(two)]],
      atEnd: () => {
        see(statesOf(kit, first));
        return [];
      },
    };
  },
});

const allocVsCallback = coreScenario({
  name: 'alloc-vs-callback+node-moves',
  about: 'The fragment with the list node is handed out while a callback lists the page again.',
  rules: ['P2', 'P4', 'H4'],
  mustSee: ['callbacks 1', 'AAAF', 'AFAA'],
  kit: { threads: 2, pages: 1, perPage: 4 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(3) as unknown as Tables;
    retire(world, two, tables[2]);
    return {
      threads: [[world.take(one)], [world.serve(two, two)]],
      atEnd: () => {
        see(statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

/** Frees a table as an owner that leaves it empty. */
export function retire(world: World, thread: Thread, table: Word): void {
  const { mem } = thread;
  const { fragmentWords } = world.kit;
  for (let i = 2; i < fragmentWords; i++) mem.poke(at(table, i), mem.peek(at(table, i & 1)));
  world.free(thread, table);
}

/** The last two tables of a page, in one state word or in two, are freed at once. */
function freeVsFree(name: string, perPage: number, left: readonly [number, number]): CoreScenario {
  return coreScenario({
    name,
    about: `Two frees of one page of ${perPage} queue its head once, and both fragments come back.`,
    rules: ['P3', 'P6', 'P7', 'H2', 'H7'],
    mustSee: ['page returned', 'callbacks 1', 'callbacks 0', 'CF', 'FC'],
    kit: { threads: 2, pages: 1, perPage },
    play: (world) => {
      const { kit, see, threads } = world;
      const [one, two] = threads as Two;
      const tables = world.takePage(perPage);
      tables.forEach((table, index) => {
        if (!left.includes(index)) world.free(one, table);
      });
      world.serveAll(one);
      const [first, second] = left.map((index) => tables[index]) as [Word, Word];
      return {
        threads: [
          [world.drop(one, first), world.serve(one, one)],
          [world.drop(two, second), world.serve(two, two)],
        ],
        atEnd: () => {
          const states = stateOf(kit, first) + stateOf(kit, second);
          see(freePages(kit) === 1 ? 'page returned' : states);
          return [];
        },
      };
    },
  });
}

const freeVsFreeFour = coreScenario({
  name: 'free-vs-free+four',
  about: 'As free-vs-free+one-page, in a page of four with one table left.',
  rules: ['P4', 'P6', 'P7', 'P9'],
  mustSee: ({ joins }) => ['callbacks 1', ...(joins ? ['FAFF', 'FACF', 'CACF'] : ['FACF', 'NACF'])],
  kit: { threads: 2, pages: 1, perPage: 4 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(4) as unknown as Tables;
    world.free(one, tables[2]);
    world.serveAll(one);
    return {
      threads: [[world.drop(one, tables[0]), world.serve(one, one)], [world.drop(two, tables[1])]],
      atEnd: () => {
        see(statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

const threeFrees = coreScenario({
  name: 'free-vs-free-vs-free+four',
  about: 'Three threads free all but one table of a page, and one runs its callback.',
  rules: ['P3', 'P4', 'P6', 'P7', 'H7'],
  mustSee: ['callbacks 1', 'callbacks 0'],
  kit: { threads: 3, pages: 1, perPage: 4 },
  play: (world) => {
    const [one, two, three] = world.threads as [Thread, Thread, Thread];
    const tables = world.takePage(4) as unknown as Tables;
    return {
      threads: [
        [world.drop(one, tables[0])],
        [world.drop(two, tables[1]), world.serve(two, one)],
        [world.drop(three, tables[2])],
      ],
    };
  },
});

const outOfPages = coreScenario({
  name: 'alloc-vs-free+out-of-pages',
  about: 'Where no page is left nothing changes; once a free has ripened the same call succeeds.',
  rules: ['P8', 'H5', 'P6'],
  mustSee: ['none, then none', 'none, then one'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(2) as unknown as Tables;
    return {
      threads: [
        [world.take(one), world.take(one)],
        [world.drop(two, tables[0]), world.serve(two, two)],
      ],
      atEnd: (results) => {
        const [before, after] = results[0] as [Word | null, Word | null];
        see(`${before === null ? 'none' : 'one'}, then ${after === null ? 'none' : 'one'}`);
        return [distinct([tables[1], ...(results[0] ?? [])])];
      },
    };
  },
});

const returnVsAlloc = coreScenario({
  name: 'return-vs-alloc+supply',
  about: 'A page is returned by its callback while another thread takes one from the supply.',
  rules: ['P3', 'P1', 'P6', 'H6'],
  mustSee: ['got the page', 'got none', 'callbacks 1'],
  kit: { threads: 2, pages: 1 },
  play: (world) => {
    const { kit, see, threads } = world;
    const [one, two] = threads as Two;
    const tables = world.takePage(2) as unknown as Tables;
    world.free(one, tables[0]);
    world.serveAll(one);
    world.free(one, tables[1]);
    advanceGrace(kit.heap);
    return {
      threads: [[world.serve(one, one)], [world.take(two), world.dropTaken(two, 0)]],
      atEnd: (results) => {
        see(results[1]?.[0] === null ? 'got none' : 'got the page');
        return [];
      },
    };
  },
});

export const FRAG_SCENARIOS: readonly CoreScenario[] = [
  allocVsAlloc,
  allocVsAllocListed,
  allocVsAllocLast,
  allocVsFree,
  allocVsCallback,
  freeVsFree('free-vs-free+one-page', 2, [0, 1]),
  freeVsFree('free-vs-free+two-words', 32, [3, 20]),
  threeFrees,
  freeVsFreeFour,
  outOfPages,
  returnVsAlloc,
];
