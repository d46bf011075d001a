/**
 * The core: allocation, freeing and callbacks that meet in one page or one list.
 *
 * All with the real RCU: grace periods begin and end, and callbacks run, whenever that is allowed,
 * and the exploration tries every moment, the earliest and the latest included. What does not
 * matter to the question is done by setting up, so that the threads do only what meets.
 */
import type { MmId, Word } from '../../base/units.js';
import { at } from '../../base/units.js';
import { freeTable } from '../../frag/free.js';
import type { Thread } from '../../mem/heap.js';
import { advanceGrace, beginGrace } from '../../rcu/grace-period.js';
import type { Kit } from '../kit.js';
import type { Scenario } from '../scenario.js';
import {
  distinct,
  drop,
  dropTaken,
  freePages,
  heapScenario,
  serve,
  statesOf,
  take,
  takeOne,
  takePage,
} from './actors.js';

type Two = readonly [Thread, Thread];
type Tables = readonly [Word, Word, Word, Word];

const allocVsAlloc = heapScenario({
  name: 'alloc-vs-alloc+empty-list',
  about: 'Two threads allocate at once where no page is listed: one fresh page, or one each.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['one page', 'two pages'],
  kit: { threads: 2, pages: 2, debug: true },
  play: ({ kit, threads: [one, two], mm, see }) => ({
    threads: [[take(one as Thread, mm, kit)], [take(two as Thread, mm, kit)]],
    atEnd: (results) => {
      see(freePages(kit) === 0 ? 'two pages' : 'one page');
      return [distinct(results.flat())];
    },
  }),
});

const allocVsAllocListed = heapScenario({
  name: 'alloc-vs-alloc+one-page',
  about: 'Two threads allocate from one listed page: different fragments, and the list is exact.',
  rules: ['P1', 'P4', 'P6'],
  mustSee: ['AFAA'],
  kit: { threads: 2, pages: 1, perPage: 4, debug: true },
  play: ({ kit, threads: [one, two], mm, see }) => {
    const first = takeOne(one as Thread, mm, kit);
    return {
      threads: [[take(one as Thread, mm, kit)], [take(two as Thread, mm, kit)]],
      atEnd: (results) => {
        see(statesOf(kit, first));
        return [distinct([first, ...results.flat()])];
      },
    };
  },
});

const allocVsAllocLast = heapScenario({
  name: 'alloc-vs-alloc+last-fragment',
  about: 'Two threads want the last fragment of a page, the one with the list node: one gets it.',
  rules: ['P1', 'P4', 'H4'],
  mustSee: ['one got none'],
  kit: { threads: 2, pages: 1, debug: true },
  play: ({ kit, threads: [one, two], mm, see }) => {
    const first = takeOne(one as Thread, mm, kit);
    return {
      threads: [[take(one as Thread, mm, kit)], [take(two as Thread, mm, kit)]],
      atEnd: (results) => {
        if (results.flat().includes(null)) see('one got none');
        return [distinct([first, ...results.flat()])];
      },
    };
  },
});

const allocVsFree = heapScenario({
  name: 'alloc-vs-free+last-table',
  about: 'The last table of a listed page is freed while another thread allocates from that page.',
  rules: ['P3', 'P4', 'P6'],
  mustSee: ['CA', 'CF'],
  kit: { threads: 2, pages: 2 },
  play: ({ kit, threads: [one, two], mm, see }) => {
    const first = takeOne(one as Thread, mm, kit);
    return {
      threads: [[drop(one as Thread, mm, first)], [take(two as Thread, mm, kit)]],
      atEnd: () => {
        see(statesOf(kit, first));
        return [];
      },
    };
  },
});

const allocVsCallback = heapScenario({
  name: 'alloc-vs-callback+node-moves',
  about: 'The fragment with the list node is handed out while a callback lists the page again.',
  rules: ['P2', 'P4', 'H4'],
  mustSee: ['callbacks 1', 'AAAF', 'AFAA'],
  kit: { threads: 2, pages: 1, perPage: 4, debug: true },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 3) as unknown as Tables;
    retire(two, mm, kit, tables[2]);
    return {
      threads: [[take(one, mm, kit)], [serve(two, two)]],
      atEnd: () => {
        see(statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

/** Frees a table as an owner that leaves it empty. */
function retire(thread: Thread, mm: MmId, kit: Kit, table: Word): void {
  const { mem } = thread;
  for (let i = 2; i < kit.fragmentWords; i++) mem.poke(at(table, i), mem.peek(at(table, i & 1)));
  freeTable(thread, mm, table);
}

const freeVsFree = heapScenario({
  name: 'free-vs-free+one-page',
  about: 'Two frees of one page queue its head once, and both fragments come back.',
  rules: ['P3', 'P6', 'P7', 'H2', 'H7'],
  mustSee: ['page returned', 'callbacks 1', 'callbacks 0', 'CF', 'FC'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 2) as unknown as Tables;
    return {
      threads: [
        [drop(one, mm, tables[0]), serve(one, one)],
        [drop(two, mm, tables[1]), serve(two, two)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

const freeVsFreeFour = heapScenario({
  name: 'free-vs-free+four',
  about: 'As free-vs-free+one-page, in a page of four with one table left.',
  rules: ['P4', 'P6', 'P7', 'P9'],
  mustSee: ['callbacks 1', 'FAFF', 'FACF', 'CACF'],
  kit: { threads: 2, pages: 1, perPage: 4 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 4) as unknown as Tables;
    freeTable(one, mm, tables[2]);
    serveAll(one);
    return {
      threads: [[drop(one, mm, tables[0]), serve(one, one)], [drop(two, mm, tables[1])]],
      atEnd: () => {
        see(statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

function serveAll(thread: Thread): void {
  for (let round = 0; round < 4; round++) serve(thread, thread)([]);
}

/** The last A goes while the callback for another fragment of the page is due. */
function lastFree(
  perPage: number,
  name: string,
  freed: readonly number[],
  kept: number,
  large = false,
): Scenario {
  return heapScenario({
    name,
    about: `The last table of a page of ${perPage} is freed while the page's callback runs.`,
    rules: ['P3', 'P4', 'P5', 'P6', 'H7'],
    mustSee: ['callbacks 1', 'page returned', 'page waits'],
    large,
    kit: { threads: 2, pages: 1, perPage },
    play: ({ kit, threads, mm, see }) => {
      const [one, two] = threads as Two;
      const tables = takePage({ kit, threads, mm, see }, perPage);
      tables.forEach((table, index) => {
        if (index !== kept && !freed.includes(index)) freeTable(one, mm, table);
      });
      serveAll(one);
      for (const index of freed) freeTable(two, mm, tables[index] as Word);
      advanceGrace(kit.heap);
      return {
        threads: [[drop(one, mm, tables[kept] as Word)], [serve(two, two), serve(two, two)]],
        atEnd: () => {
          see(freePages(kit) === 1 ? 'page returned' : 'page waits');
          return [];
        },
      };
    },
  });
}

const callbackVsCallback = heapScenario({
  name: 'callback-vs-callback+one-page',
  about: 'C and N of a page take two rounds; two threads run them, the second as early as it may.',
  rules: ['P3', 'P7', 'P9', 'P10', 'H2'],
  mustSee: ['page returned', 'callbacks 1', 'callbacks 0'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 2) as unknown as Tables;
    freeTable(one, mm, tables[0]);
    beginGrace(kit.heap);
    freeTable(one, mm, tables[1]);
    return {
      threads: [
        [serve(one, one), serve(one, one)],
        [serve(two, one), serve(two, two)],
      ],
      atEnd: () => {
        see(freePages(kit) === 1 ? 'page returned' : statesOf(kit, tables[0]));
        return [];
      },
    };
  },
});

const outOfPages = heapScenario({
  name: 'alloc-vs-free+out-of-pages',
  about: 'Where no page is left nothing changes; once a free has ripened the same call succeeds.',
  rules: ['P8', 'H5', 'P6'],
  mustSee: ['none, then none', 'none, then one'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 2) as unknown as Tables;
    return {
      threads: [
        [take(one, mm, kit), take(one, mm, kit)],
        [drop(two, mm, tables[0]), serve(two, two)],
      ],
      atEnd: (results) => {
        const [before, after] = results[0] as [Word | null, Word | null];
        see(`${before === null ? 'none' : 'one'}, then ${after === null ? 'none' : 'one'}`);
        return [distinct([tables[1], ...(results[0] ?? [])])];
      },
    };
  },
});

const returnVsAlloc = heapScenario({
  name: 'return-vs-alloc+supply',
  about: 'A page is returned by its callback while another thread takes one from the supply.',
  rules: ['P3', 'P1', 'P6', 'H6'],
  mustSee: ['got the page', 'got none', 'callbacks 1'],
  kit: { threads: 2, pages: 1 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 2) as unknown as Tables;
    freeTable(one, mm, tables[0]);
    freeTable(one, mm, tables[1]);
    advanceGrace(kit.heap);
    return {
      threads: [[serve(one, one)], [take(two, mm, kit), dropTaken(two, mm, 0)]],
      atEnd: (results) => {
        see(results[1]?.[0] === null ? 'got none' : 'got the page');
        return [];
      },
    };
  },
});

const pendingHead = heapScenario({
  name: 'alloc-vs-callback+pending-page',
  about: 'A page that waits for a grace period does not keep the usable ones behind it from use.',
  rules: ['H8', 'P4', 'P9'],
  mustSee: ['callbacks 1', 'pending page used too', 'fresh page'],
  kit: { threads: 2, pages: 3 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two] = threads as Two;
    const tables = takePage({ kit, threads, mm, see }, 4) as unknown as Tables;
    freeTable(one, mm, tables[3]);
    serveAll(one);
    freeTable(one, mm, tables[1]);
    return {
      threads: [[serve(one, one)], [take(two, mm, kit), take(two, mm, kit)]],
      atEnd: (results) => {
        const taken = results[1] ?? [];
        see(taken.includes(tables[1]) ? 'pending page used too' : 'fresh page');
        if (taken.includes(tables[3])) return [distinct(taken)];
        return [{ rule: 'H8', detail: 'a free fragment was passed over for a pending page' }];
      },
    };
  },
});

const allAtOnce = heapScenario({
  name: 'alloc-vs-free-vs-callback+one-page',
  about: 'One thread allocates from a page, one frees its last table, one runs its callback.',
  rules: ['P1', 'P3', 'P4', 'P6', 'H2'],
  mustSee: ['callbacks 1', 'page reused', 'no page'],
  kit: { threads: 3, pages: 1, perPage: 4 },
  play: ({ kit, threads, mm, see }) => {
    const [one, two, three] = threads as [Thread, Thread, Thread];
    const tables = takePage({ kit, threads, mm, see }, 4) as unknown as Tables;
    freeTable(three, mm, tables[1]);
    freeTable(three, mm, tables[2]);
    freeTable(three, mm, tables[3]);
    advanceGrace(kit.heap);
    return {
      threads: [[take(one, mm, kit)], [drop(two, mm, tables[0])], [serve(three, three)]],
      atEnd: (results) => {
        see(results[0]?.[0] === null ? 'no page' : 'page reused');
        return [];
      },
    };
  },
});

export const FRAG_SCENARIOS: readonly Scenario[] = [
  allocVsAlloc,
  allocVsAllocListed,
  allocVsAllocLast,
  allocVsFree,
  allocVsCallback,
  freeVsFree,
  freeVsFreeFour,
  lastFree(2, 'last-free-vs-callback+two', [1], 0),
  lastFree(4, 'last-free-vs-callback+four', [1, 2], 0),
  lastFree(32, 'last-free-vs-callback+two-words', [20], 3),
  callbackVsCallback,
  outOfPages,
  returnVsAlloc,
  pendingHead,
  allAtOnce,
];
